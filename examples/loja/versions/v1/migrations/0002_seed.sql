-- A catalogue and some history, the same on every machine.
INSERT INTO products (id, sku, name, category, on_sale, price_cents, stock)
SELECT n,
       format('LJ-%s', lpad(n::text, 6, '0')),
       format('%s %s %s',
              (ARRAY['Caneca', 'Camiseta', 'Caderno', 'Mochila', 'Garrafa', 'Luminária', 'Almofada', 'Relógio'])[1 + n % 8],
              (ARRAY['Azul', 'Verde', 'Areia', 'Coral', 'Grafite'])[1 + n % 5],
              n),
       (ARRAY['casa', 'vestuário', 'papelaria', 'viagem'])[1 + n % 4],
       n % 10 < 3,
       990 + (n * 7919) % 45000,
       100000
FROM generate_series(1, 20000) AS n;

INSERT INTO customers (id, name, email, segment)
SELECT 'c-' || lpad(n::text, 5, '0'),
       format('%s %s',
              (ARRAY['Ana', 'Beto', 'Carla', 'Davi', 'Elisa', 'Fábio', 'Gabi', 'Hugo'])[1 + n % 8],
              (ARRAY['Souza', 'Lima', 'Reis', 'Melo', 'Nunes'])[1 + n % 5]),
       format('cliente%s@exemplo.example', n),
       n % 5
FROM generate_series(1, 5000) AS n;

INSERT INTO orders (number, idempotency_key, customer_id, total_cents, created_at)
SELECT 'H-' || lpad(n::text, 7, '0'), 'history-' || n, 'c-' || lpad((1 + n % 5000)::text, 5, '0'), 0,
       now() - make_interval(secs => 86400 + n * 300)
FROM generate_series(1, 20000) AS n;

INSERT INTO order_items (order_number, product_id, quantity, unit_price_cents, created_at)
SELECT o.number, p.id, 1 + p.id % 3, p.price_cents, o.created_at
FROM (SELECT number, created_at, substr(number, 3)::integer AS n FROM orders) AS o
CROSS JOIN generate_series(0, 1) AS item
JOIN products AS p ON p.id = 1 + (o.n * 31 + item * 977) % 20000;

UPDATE orders SET total_cents = sums.total
FROM (SELECT order_number, sum(quantity * unit_price_cents) AS total FROM order_items GROUP BY 1) AS sums
WHERE sums.order_number = orders.number;
