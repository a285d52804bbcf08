"""Guards of packages over time, of licenses, tenants, roles and decisions of staff."""

from tests.guards.guard import Edit, Guard, in_code
from tests.guards.money import BOUNDARIES, RACES

TENANCY = "test_tenancy.py"
MEMBERS = "accounts/test_members.py"
LICENSES = "agents/test_licenses.py"
LICENSE_RACES = "agents/test_races.py"
SECOND = "accounts/test_second_person.py"
CASE_RACES = "compliance/test_compliance_races.py"
ERASURE = "config/test_erasure.py"
DESK = "compliance/test_two_at_a_desk.py"

_SWEEPS = "billing/renewals/sweep.py"
_ACCESS = "accounts/access.py"
_INVITATIONS = "accounts/services/invitations.py"
_ERASURE = "accounts/services/erasure.py"
_CASES = "compliance/services/cases.py"
_BATCHES = "agents/services/batches.py"
_IMPORTS = "agents/services/import_turns.py"
_ACT_TURNS = "agents/services/act_turns.py"
AGENT_ACTS = "agents/test_acts.py"
IMPORT_TURNS = "agents/test_import_turns.py"
IMPORT_JOBS = "agents/test_import_jobs.py"
IMPORT_RACES = "agents/test_import_races.py"

TIME = (
    in_code(
        "an order locks the packages that it changes",
        "billing/orders/snapshots.py",
        "lock: PreparedQuery(_by_key, lock=lock)",
        "lock: PreparedQuery(_by_key)",
        f"{BOUNDARIES}::test_a_renewal_about_expiry_neither_loses_nor_doubles_a_period",
    ),
    in_code(
        "staff's changes lock the package",
        "billing/packages/services.py",
        "Package.objects.select_for_update(no_key=True).get(",
        "Package.objects.get(",
        f"{BOUNDARIES}::test_an_act_on_a_package_builds_on_the_sweep_that_came_before",
    ),
    in_code(
        "a sweep waits for no one",
        _SWEEPS,
        "select_for_update(skip_locked=True, no_key=True)",
        "select_for_update(no_key=True)",
        f"{BOUNDARIES}::test_a_row_that_somebody_holds_is_left_for_the_next_sweep",
    ),
    in_code(
        "a sweep leaves accounts that are locked",
        _SWEEPS,
        "    kept = keep_accounts({account_id for _pk, account_id in free})\n",
        "    kept = {account_id for _pk, account_id in free}\n",
        "billing/test_sweep_locked.py::test_a_sweep_leaves_a_locked_account_for_the_next_run",
    ),
    in_code(
        "a sweep looks again at what was due",
        _SWEEPS,
        "_claim(change.find_due(now).filter(pk__any=keys))",
        "_claim(change.of.model._default_manager.filter(pk__any=keys))",
        f"{BOUNDARIES}::test_what_was_due_when_the_sweep_read_it_is_looked_at_again",
    ),
    in_code(
        "an automatic renewal locks the account",
        "billing/renewals/auto_renewal.py",
        "        Account.objects.select_for_update(skip_locked=True, no_key=True)\n",
        "        Account.objects\n",
        f"{BOUNDARIES}::test_four_sweeps_renew_a_package_once",
        f"{BOUNDARIES}::test_by_hand_and_by_itself_at_once_is_one_period",
    ),
    in_code(
        "a trial is granted once",
        "billing/orders/trials.py",
        "    return not TrialGrant.objects.filter(account=account).exists()\n",
        "    return True\n",
        "billing/test_pages_applications.py::test_a_second_application_has_no_trial_and_is_told_so",
    ),
    in_code(
        "an activation locks the account",
        "billing/orders/trials.py",
        "    locked = lock_account(account.pk)\n",
        "    locked = Account.objects.get(pk=account.pk)\n",
        f"{RACES}::test_ten_first_activations_at_once_give_one_trial",
    ),
)

SEATS = (
    in_code(
        "a change of agents locks the account",
        _BATCHES,
        "    account = lock_account(application.account_id)\n",
        "    account = Account.objects.get(pk=application.account_id)\n",
        f"{LICENSE_RACES}::test_two_tabs_assign_overlapping_selections",
        f"{LICENSE_RACES}::test_licenses_that_a_renewal_ends_are_not_given_away_meanwhile",
    ),
    in_code(
        "a license that is held is not free",
        "agents/services/seats.py",
        '.filter(**{f"{holder}__isnull": True})',
        "",
        f"{LICENSES}::test_those_without_a_license_get_one_each",
    ),
    in_code(
        "no license is claimed that is not there",
        "agents/services/seats.py",
        "    if len(claimed) < count:\n",
        "    if False:\n",
        "agents/test_adding.py::test_without_a_free_license_adding_says_how_many_are_missing",
    ),
    in_code(
        "licenses are counted before any is given",
        "agents/services/licenses.py",
        "        if needed > free and not (free and is_partial_allowed):\n",
        "        if False:\n",
        f"{LICENSES}::test_too_few_free_licenses_assign_none",
    ),
    in_code(
        "agents are the application's own",
        _BATCHES,
        "chosen.filter(account_id=application.account_id, application_id=application.pk)",
        "chosen",
        f"{LICENSES}::test_agents_of_others_are_never_meant",
    ),
    in_code(
        "a restricted account changes no agents",
        _BATCHES,
        "    require_good_standing(account)\n",
        "",
        f"{LICENSES}::test_a_restricted_account_changes_nothing",
    ),
    in_code(
        "only what was counted is done",
        _BATCHES,
        "    if expected is not None and matched != expected:\n",
        "    if False:\n",
        f"{LICENSES}::test_only_what_was_confirmed_is_done",
    ),
)

ACTS = (
    in_code(
        "a job looks under the lock where its act stands",
        _ACT_TURNS,
        "    account = lock_account(found)\n",
        "    account = Account.objects.get(pk=found)\n",
        f"{AGENT_ACTS}::test_two_jobs_at_the_same_time_go_through_each_agent_once",
    ),
    in_code(
        "who may no longer manage agents changes no more of them",
        _ACT_TURNS,
        "    require_permission(account, act.created_by, Permission.MANAGE_AGENTS)\n",
        "",
        f"{AGENT_ACTS}::test_an_act_stops_where_it_may_not_go_on",
    ),
    in_code(
        "a job changes nothing of a restricted account",
        _ACT_TURNS,
        "    require_good_standing(account)\n",
        "",
        f"{AGENT_ACTS}::test_an_act_stops_where_it_may_not_go_on",
    ),
    in_code(
        "an act that has begun is not canceled",
        "agents/services/acts.py",
        "status=was, done=0)",
        "status=was)",
        f"{AGENT_ACTS}::test_an_act_is_canceled_before_its_first_agent_and_never_after",
    ),
    in_code(
        "an act is taken back for those that it changed",
        "agents/services/acts.py",
        " - set(current.unchanged))",
        ")",
        f"{AGENT_ACTS}::test_undoing_restores_exactly_what_the_act_changed",
    ),
)

IMPORTS = (
    in_code(
        "a job imports nothing for who may no longer manage agents",
        _IMPORTS,
        "        require_permission(account, by, Permission.MANAGE_AGENTS)\n",
        "        pass\n",
        f"{IMPORT_JOBS}::test_what_comes_in_between_stops_it",
    ),
    in_code(
        "an import that was canceled writes nothing",
        _IMPORTS,
        "    is_canceled = is_job and current.status != ImportStatus.WAITING\n",
        "    is_canceled = False\n",
        f"{IMPORT_JOBS}::test_it_is_canceled_while_its_rows_are_checked_once_more",
    ),
    in_code(
        "an import that has written rows is not canceled",
        "agents/services/import_jobs.py",
        "filter(pk=imported.pk, written=0)",
        "filter(pk=imported.pk)",
        f"{IMPORT_JOBS}::test_it_is_too_late_once_rows_are_written",
    ),
    in_code(
        "an import continues where it stands",
        _IMPORTS,
        "    place = current.written - start\n",
        "    place = imported.written - start\n",
        f"{IMPORT_RACES}::test_two_runs_at_the_same_time_write_each_row_once",
    ),
    in_code(
        "an import is moved on only from where it stood",
        _IMPORTS,
        "    here = AgentImport.objects.filter(pk=imported.pk, written=imported.written)\n",
        "    here = AgentImport.objects.filter(pk=imported.pk)\n",
        f"{IMPORT_RACES}::test_without_the_lock_the_same_turn_is_still_not_counted_twice",
    ),
    in_code(
        "an import compares its rows again under the lock",
        _IMPORTS,
        "    if turn.problems or not _groups_stand(turn, application):\n",
        "    if False:\n",
        f"{IMPORT_TURNS}::test_trouble_after_the_first_turn_stops_it_and_the_rest_follows_later",
        f"{IMPORT_TURNS}::test_a_group_that_is_renamed_meanwhile_takes_no_one_in",
    ),
    in_code(
        "a check of an import that was overtaken is not noted",
        "agents/services/imports.py",
        "pk=imported.pk, status=imported.status, written=imported.written\n",
        "pk=imported.pk, status=imported.status\n",
        f"{IMPORT_TURNS}::test_a_check_that_was_overtaken_is_not_noted",
    ),
)

TENANTS = (
    in_code(
        "an account is its members'",
        _ACCESS,
        ".filter(user_id=user.pk, account__uin=uin)",
        ".filter(account__uin=uin)",
        f"{TENANCY}::test_strangers_find_nothing",
    ),
    in_code(
        "an object is found through its account",
        _ACCESS,
        "        found = queryset.filter(account=self.account, **lookup).first()\n",
        "        found = queryset.filter(**lookup).first()\n",
        f"{TENANCY}::test_another_accounts_application_is_not_found_in_ones_own",
    ),
    in_code(
        "a page asks for its role",
        _ACCESS,
        "            access.require(permission)\n",
        "",
        "billing/test_pages_access.py::test_each_role_opens_its_own_pages",
        f"{MEMBERS}::test_only_owners_change_members",
    ),
    in_code(
        "a hidden file stays hidden",
        "compliance/views/evidence.py",
        "Evidence.objects.filter(is_disclosed=True)",
        "Evidence.objects.all()",
        "compliance/test_evidence_doors.py::test_each_member_saves_a_disclosed_file_and_no_hidden_one",
    ),
    in_code(
        "an invitation is for its address",
        _INVITATIONS,
        "    if not owns_address(by, current.email):\n",
        "    if False:\n",
        f"{MEMBERS}::test_the_wrong_person_cannot_accept",
    ),
    in_code(
        "an invitation is open once and not for ever",
        _INVITATIONS,
        "    if current.state_at(now) != InvitationState.OPEN:\n",
        "    if False:\n",
        f"{MEMBERS}::test_a_link_works_once_and_not_for_ever",
    ),
)

STAFF = (
    in_code(
        "an act of staff needs its right",
        "accounts/admin/actions.py",
        "        if not self.has_view_permission(request, obj) or not request.user.has_perm(\n"
        "            action.permission\n"
        "        ):\n",
        "        if not self.has_view_permission(request, obj):\n",
        "compliance/test_admin.py::test_an_act_needs_its_permission",
    ),
    in_code(
        "a page that is out of date decides nothing",
        "accounts/admin/actions.py",
        '        if request.POST.get("seen", seen) != seen:\n',
        "        if False:\n",
        f"{DESK}::test_a_correction_does_not_undo_one_that_it_has_not_seen",
    ),
    in_code(
        "a maker is no second person",
        "accounts/services/second_person.py",
        "    if by.pk in makers:\n",
        "    if False:\n",
        "billing/test_credits.py::test_its_maker_does_not_decide_on_it",
        "billing/test_refunds_requests.py::test_nobody_decides_on_what_they_asked_for_themselves",
    ),
    in_code(
        "staff do not decide for their own company",
        "accounts/services/second_person.py",
        "    if account is not None and is_insider(by, account, now):\n",
        "    if False:\n",
        f"{SECOND}::test_members_never_act_on_their_own_company",
    ),
    in_code(
        "a new sign-in decides on nothing",
        "accounts/services/second_person.py",
        "    if makers and _givers({by.pk}, now):\n",
        "    if False:\n",
        f"{SECOND}::test_whoever_was_brought_about_within_a_day_is_no_second_person",
    ),
    in_code(
        "the maker of a sign-in is no second person for it",
        "accounts/services/second_person.py",
        "    if makers and _line({by.pk}, now) & _line(makers, now):\n",
        "    if False:\n",
        f"{SECOND}::test_the_link_goes_through_others",
    ),
    in_code(
        "erasing a person takes two",
        _ERASURE,
        '    data = require_approval(approval, "user.erase", by=by, now=now)\n',
        "    data: dict[str, int] = {}\n",
        f"{ERASURE}::test_it_takes_two_people_and_neither_is_the_person",
    ),
    in_code(
        "what stands against erasing a person is asked again under the lock",
        _ERASURE,
        "    require_erasable(current, now)\n",
        "",
        f"{ERASURE}::test_an_owner_who_became_the_only_one_meanwhile_is_not_erased",
    ),
    in_code(
        "an act on a case locks its account",
        _CASES,
        "    account = lock_account(violation.account_id)\n",
        "    account = violation.account\n",
        f"{CASE_RACES}::test_one_appeal_sent_ten_times_is_one_appeal",
    ),
    Guard(
        "a case moves once",
        (f"{CASE_RACES}::test_one_warning_given_by_ten_hands_is_given_once",),
        edits=(
            Edit(
                _CASES,
                "    account = lock_account(violation.account_id)\n",
                "    account = violation.account\n",
            ),
            Edit(
                _CASES,
                "Violation.objects.filter(pk=case.pk, state=before).update(",
                "Violation.objects.filter(pk=case.pk).update(",
            ),
        ),
    ),
)

METRICS = (
    in_code(
        "metrics answer no one until a setting allows it",
        "config/metrics.py",
        "    return bool(token or networks)\n",
        "    return True\n",
        "config/test_metrics.py::test_metrics_answer_those_alone_that_settings_name",
    ),
)

GUARDS: tuple[Guard, ...] = (*TIME, *SEATS, *ACTS, *IMPORTS, *TENANTS, *STAFF, *METRICS)
