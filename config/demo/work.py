"""What jobs have done in the demo: a file that was imported, and an act that can be undone."""

from accounts.models import Application
from accounts.services.jobs import drop_jobs, waiting_jobs
from agents.enums import ActName, ImportMode
from agents.models import Agent
from agents.services.act_turns import carry_on_act
from agents.services.acts import CARRY_ON as ACT
from agents.services.acts import begin_act
from agents.services.import_jobs import begin_import, carry_on_import
from agents.services.imports import CARRY_ON as IMPORT
from agents.services.imports import check_import, send_import
from config.demo.cast import Cast


def import_temporary_staff(cast: Cast, application: Application) -> None:
    """Import agents for the season, and disable them when it is over."""
    manager = cast.users["maya.manager"]
    lines = [
        f"{name},T{number},temporary{number}.{application.sdkappid}@example.com"
        for number, name in enumerate(cast.names(6, 11), start=1)
    ]
    imported = send_import(
        application=application,
        file_name="temporary-staff.csv",
        content="\n".join(["name,staff_number,email", *lines]).encode(),
        mode=ImportMode.ADD,
        by=manager,
        now=cast.ago(16),
    )
    check_import(imported=imported, now=cast.ago(16))
    begin_import(imported=imported, by=manager, now=cast.ago(16))
    carry_on_import(imported.pk, clock=lambda: cast.ago(16))
    act = begin_act(
        application=application,
        name=ActName.DISABLE,
        options={"frees_licenses": False},
        chosen=Agent.objects.filter(application=application, staff_number__startswith="T"),
        by=manager,
        now=cast.ago(2),
    )
    carry_on_act(act.pk, clock=lambda: cast.ago(2))
    # The demo waits for no worker.
    drop_jobs(waiting_jobs(IMPORT, ACT))
