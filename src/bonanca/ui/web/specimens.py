"""The styleguide's values: usual ones, and those that break layouts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from types import SimpleNamespace

from django import forms

from bonanca.ui.charts import DayBar, Moment, bars_90_days, budget_burn_svg, error_ratio_svg, sparkline

LONG = "Checkout com 31 % de erros depois da promoção de sexta-feira na loja-api-de-pagamentos-internacionais"


class IncidentSpecimen(forms.Form):
    """A form with every kind of row."""

    title = forms.CharField(label="Título", help_text="O que as pessoas percebem, em uma frase.")
    severity = forms.ChoiceField(
        label="Severidade",
        choices=[("critical", "SEV1 crítico"), ("high", "SEV2 alto"), ("medium", "SEV3 médio")],
        widget=forms.RadioSelect,
    )
    service = forms.ChoiceField(label="Serviço", choices=[("", "Escolha"), ("loja-api", "loja-api")])
    note = forms.CharField(label="Nota", widget=forms.Textarea, required=False)
    public = forms.BooleanField(label="Mostrar na página de status", required=False)


def _steps(now: datetime) -> list[SimpleNamespace]:
    def step(key: str, title: str, state: str, **more: object) -> SimpleNamespace:
        values: dict[str, object] = {
            "started_at": None, "finished_at": None, "expected_s": 8.0, "error": None, "attempts": 1, "progress": None,
        }  # fmt: skip
        return SimpleNamespace(key=key, title=title, state=state, **(values | more))

    began = now - timedelta(seconds=40)
    return [
        step("code", "Código de volta para v1", "done", started_at=began, finished_at=began + timedelta(seconds=2)),
        step("config", "Configuração loja.toml restaurada", "skipped"),
        step(
            "db", "Banco loja de volta a 14:30:02 (12 tabelas, 48 210 linhas, com um nome de passo bem comprido)",
            "running", started_at=now - timedelta(seconds=12), expected_s=30.0, attempts=2,
            progress={"fraction": 0.4, "text": "copiando orders"},
        ),
        step("approve", "Aprovação da Tech Lead", "waiting", started_at=now - timedelta(seconds=90), expected_s=None),
        step("verify", "Verificação de fora", "failed", started_at=began, finished_at=now,
             error="GET /products: esperava 200, veio 502 depois de 3 tentativas"),
        step("open", "Tráfego de volta", "pending", expected_s=1.0),
    ]  # fmt: skip


def _series(now: datetime) -> list[tuple[datetime, float]]:
    points = []
    for second in range(0, 1800, 10):
        if second < 900:
            value = 0.002 + 0.002 * math.sin(second / 60)
        elif second < 1200:
            value = 0.31 + 0.04 * math.sin(second / 25)
        else:
            value = 0.31 * math.exp(-(second - 1200) / 60)
        points.append((now - timedelta(seconds=1800 - second), max(0.0, value)))
    return points


def _moments(now: datetime) -> list[Moment]:
    return [
        Moment("mudança v2", now - timedelta(seconds=905), "change"),
        Moment("detectado", now - timedelta(seconds=880), "detection"),
        Moment("contido", now - timedelta(seconds=610), "containment"),
        Moment("revertido", now - timedelta(seconds=560), "recovery"),
    ]


def specimens(now: datetime) -> dict[str, object]:
    """Return the context of the styleguide."""
    series = _series(now)
    days = [DayBar(day=(now - timedelta(days=89 - n)).date(), state="calm") for n in range(90)]
    days[40] = DayBar(day=days[40].day, state="burning", minutes=42)
    days[71] = DayBar(day=days[71].day, state="risk", minutes=7)
    days[0] = DayBar(day=days[0].day, state="unknown")
    return {
        "now": now,
        "long": LONG,
        "times": [now - timedelta(seconds=s) for s in (2, 40, 250, 9_000, 700_000, 9_000_000)]
        + [now + timedelta(minutes=26)],
        "started": now - timedelta(seconds=252),
        "steps": _steps(now),
        "form": IncidentSpecimen(),
        "wrong_form": IncidentSpecimen({"title": "", "severity": "nope"}, prefix="wrong"),
        "errors": error_ratio_svg(series, _moments(now), title="Taxa de erros de loja-api", target=0.01),
        "burn": budget_burn_svg(
            [(at, min(140.0, max(0.0, (n - 90) * 1.6))) for n, (at, _) in enumerate(series)],
            _moments(now),
            title="Orçamento gasto de loja-availability",
        ),
        "no_data": error_ratio_svg([], [], title="Taxa de erros de loja-estoque"),
        "bars": bars_90_days(days, title="Compras"),
        "spark": sparkline([value for _, value in series[::6]], title="Taxa de erros", tone="burning"),
    }
