"""bulksend: a bulk campaign batch processor for text messages.

    import bulksend

    checked = bulksend.plan_campaign("campaigns/reminder.yaml")
    print(checked.summary.sendable, "will receive a message")
    ended = bulksend.run_campaign("campaigns/reminder.yaml")
    print(ended.counts, ended.results)

Names are imported when they are first used, so that `import bulksend` costs next to
nothing: Airflow imports it each time it parses a DAG file.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.closer import Closer, forecast_plan, look_closer
    from bulksend.connection import check_connection
    from bulksend.control import Ordered, abort_run, pause_run, resume_run
    from bulksend.crowd import plan_on_workers, run_on_workers
    from bulksend.deciding import decide_row, resend_run
    from bulksend.define.campaign import Campaign
    from bulksend.define.schema import json_schema, write_starter
    from bulksend.define.slots import ScheduledFor
    from bulksend.errors import (
        BulksendError,
        GateRefused,
        InputError,
        Problem,
        Stopped,
    )
    from bulksend.home import Home
    from bulksend.kinds import KINDS
    from bulksend.means import Options
    from bulksend.pipeline import (
        list_runs,
        run_arms,
        run_campaign,
        send_plan,
        write_run,
    )
    from bulksend.planning import (
        Checked,
        load_campaign,
        load_plan,
        plan_campaign,
    )
    from bulksend.prepare.advice import Advice
    from bulksend.prepare.changes import Changes
    from bulksend.prepare.forecast import Course
    from bulksend.prepare.outlook import Outlook
    from bulksend.prepare.plan import Plan
    from bulksend.prepare.preview import check_rows, preview_plan
    from bulksend.prepare.reasons import REASONS
    from bulksend.prepare.summary import Summary
    from bulksend.rehearse.proof import Proof
    from bulksend.rehearse.stage import Rehearsal, rehearse_campaign
    from bulksend.rules.changes import (
        RuleChange,
        RuleInForce,
        dated_rules,
        rule_changes,
        rules_in_force,
    )
    from bulksend.rules.pack import RulePack, read_rules, shipped_rules
    from bulksend.safekeeping import Backup, back_up
    from bulksend.scheduling import (
        due_slot,
        load_schedule,
        schedule_form,
        schedule_slots,
    )
    from bulksend.settle.awaiting import awaited_receipt
    from bulksend.settle.explaining import Explained, explain
    from bulksend.settle.listening import Door, door, listen
    from bulksend.settle.purging import Purge, plan_purge, read_age
    from bulksend.settle.removing import purge
    from bulksend.settle.standing import Ended
    from bulksend.settle.strangers import unknown_callbacks
    from bulksend.settle.suppressing import OptOutRate, SuppressionList, opt_out_rate
    from bulksend.settling import Manner, Settled, poll_runs, settle_runs
    from bulksend.trial import Tested, send_test
    from bulksend.view.exposition import metrics, write_metrics
    from bulksend.view.live import live_page
    from bulksend.view.now import Now, watch_run
    from bulksend.view.report import report_run

_HOME_OF = {
    "Ordered": "control",
    "abort_run": "control",
    "Backup": "safekeeping",
    "Proof": "rehearse.proof",
    "Tested": "trial",
    "send_test": "trial",
    "Rehearsal": "rehearse.stage",
    "rehearse_campaign": "rehearse.stage",
    "back_up": "safekeeping",
    "pause_run": "control",
    "resume_run": "control",
    "Campaign": "define.campaign",
    "ScheduledFor": "define.slots",
    "json_schema": "define.schema",
    "write_starter": "define.schema",
    "KINDS": "kinds",
    "BulksendError": "errors",
    "GateRefused": "errors",
    "InputError": "errors",
    "Problem": "errors",
    "Stopped": "errors",
    "Home": "home",
    "check_connection": "connection",
    "due_slot": "scheduling",
    "load_schedule": "scheduling",
    "Checked": "planning",
    "Closer": "closer",
    "forecast_plan": "closer",
    "Options": "means",
    "list_runs": "pipeline",
    "load_campaign": "planning",
    "load_plan": "planning",
    "look_closer": "closer",
    "plan_campaign": "planning",
    "run_arms": "pipeline",
    "run_campaign": "pipeline",
    "plan_on_workers": "crowd",
    "run_on_workers": "crowd",
    "schedule_form": "scheduling",
    "schedule_slots": "scheduling",
    "send_plan": "pipeline",
    "write_run": "pipeline",
    "Advice": "prepare.advice",
    "Changes": "prepare.changes",
    "Course": "prepare.forecast",
    "Outlook": "prepare.outlook",
    "Plan": "prepare.plan",
    "check_rows": "prepare.preview",
    "preview_plan": "prepare.preview",
    "REASONS": "prepare.reasons",
    "Summary": "prepare.summary",
    "RuleChange": "rules.changes",
    "RuleInForce": "rules.changes",
    "rule_changes": "rules.changes",
    "dated_rules": "rules.changes",
    "rules_in_force": "rules.changes",
    "RulePack": "rules.pack",
    "read_rules": "rules.pack",
    "shipped_rules": "rules.pack",
    "Door": "settle.listening",
    "door": "settle.listening",
    "listen": "settle.listening",
    "Ended": "settle.standing",
    "Now": "view.now",
    "metrics": "view.exposition",
    "report_run": "view.report",
    "awaited_receipt": "settle.awaiting",
    "Explained": "settle.explaining",
    "explain": "settle.explaining",
    "Purge": "settle.purging",
    "plan_purge": "settle.purging",
    "purge": "settle.removing",
    "read_age": "settle.purging",
    "live_page": "view.live",
    "watch_run": "view.now",
    "write_metrics": "view.exposition",
    "OptOutRate": "settle.suppressing",
    "SuppressionList": "settle.suppressing",
    "opt_out_rate": "settle.suppressing",
    "Manner": "settling",
    "Settled": "settling",
    "decide_row": "deciding",
    "poll_runs": "settling",
    "resend_run": "deciding",
    "settle_runs": "settling",
    "unknown_callbacks": "settle.strangers",
}

__all__ = [
    "KINDS",
    "REASONS",
    "Advice",
    "Backup",
    "BulksendError",
    "Campaign",
    "Changes",
    "Checked",
    "Closer",
    "Course",
    "Door",
    "Ended",
    "Explained",
    "GateRefused",
    "Home",
    "InputError",
    "Manner",
    "Now",
    "OptOutRate",
    "Options",
    "Ordered",
    "Outlook",
    "Plan",
    "Problem",
    "Proof",
    "Purge",
    "Rehearsal",
    "RuleChange",
    "RuleInForce",
    "RulePack",
    "ScheduledFor",
    "Settled",
    "Stopped",
    "Summary",
    "SuppressionList",
    "Tested",
    "abort_run",
    "awaited_receipt",
    "back_up",
    "check_connection",
    "check_rows",
    "dated_rules",
    "decide_row",
    "door",
    "due_slot",
    "explain",
    "forecast_plan",
    "json_schema",
    "list_runs",
    "listen",
    "live_page",
    "load_campaign",
    "load_plan",
    "load_schedule",
    "look_closer",
    "metrics",
    "opt_out_rate",
    "pause_run",
    "plan_campaign",
    "plan_on_workers",
    "plan_purge",
    "poll_runs",
    "preview_plan",
    "purge",
    "read_age",
    "read_rules",
    "rehearse_campaign",
    "report_run",
    "resend_run",
    "resume_run",
    "rule_changes",
    "rules_in_force",
    "run_arms",
    "run_campaign",
    "run_on_workers",
    "schedule_form",
    "schedule_slots",
    "send_plan",
    "send_test",
    "settle_runs",
    "shipped_rules",
    "unknown_callbacks",
    "watch_run",
    "write_metrics",
    "write_run",
    "write_starter",
]


def __getattr__(name: str) -> object:
    if name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
