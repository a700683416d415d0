CREATE TABLE products (
    id integer PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    name text NOT NULL,
    category text NOT NULL,
    on_sale boolean NOT NULL DEFAULT false,
    price_cents integer NOT NULL,
    stock integer NOT NULL CHECK (stock >= 0)
);
CREATE TABLE customers (
    id text PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    segment smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE carts (
    customer_id text PRIMARY KEY REFERENCES customers,
    items jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE orders (
    number text PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    customer_id text NOT NULL REFERENCES customers,
    total_cents bigint NOT NULL,
    status text NOT NULL DEFAULT 'confirmed',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE TABLE order_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    order_number text NOT NULL REFERENCES orders ON DELETE CASCADE,
    product_id integer NOT NULL REFERENCES products,
    quantity integer NOT NULL CHECK (quantity > 0),
    unit_price_cents integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (order_number, product_id)
);
