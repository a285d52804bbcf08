"""Addresses of people, their accounts, and what every account has."""

from django.urls import URLPattern, path

from accounts.views import account, exports, home, invitations, members, people

app_name = "accounts"

ACCOUNT = "console/<uin:uin>"

urlpatterns: list[URLPattern] = [
    path("accounts/", home.accounts, name="list"),
    path("accounts/new/", home.account_open, name="open"),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path("invitations/<str:token>/accept/", invitations.accept, name="invitation_accept"),
    path("invitations/<str:token>/sign-up/", invitations.sign_up, name="invitation_sign_up"),
    path(
        "invitations/<str:token>/change-person/",
        invitations.change_person,
        name="invitation_change_person",
    ),
    path("profile/", people.profile, name="profile"),
    path("profile/data/", people.personal_data, name="personal_data"),
    path("notifications/", people.notifications, name="notifications"),
    path("notifications/read/", people.read_all, name="notifications_read"),
    path("notifications/<int:pk>/read/", people.read_one, name="notification_read"),
    path(f"{ACCOUNT}/applications/", account.applications, name="applications"),
    path(f"{ACCOUNT}/applications/rename/", account.account_rename, name="rename"),
    path(f"{ACCOUNT}/audit/", account.audit, name="audit"),
    path(f"{ACCOUNT}/exports/<int:pk>/", exports.export_page, name="export"),
    path(f"{ACCOUNT}/exports/<int:pk>/cancel/", exports.export_cancel, name="export_cancel"),
    path(f"{ACCOUNT}/exports/<int:pk>/file/", exports.export_file, name="export_file"),
    path(f"{ACCOUNT}/members/", members.members, name="members"),
    path(f"{ACCOUNT}/members/invite/", members.invite, name="member_invite"),
    path(f"{ACCOUNT}/members/leave/", members.member_leave, name="member_leave"),
    path(f"{ACCOUNT}/members/<int:pk>/role/", members.member_role, name="member_role"),
    path(f"{ACCOUNT}/members/<int:pk>/remove/", members.remove, name="member_remove"),
    path(f"{ACCOUNT}/invitations/<int:pk>/resend/", members.resend, name="invitation_resend"),
    path(
        f"{ACCOUNT}/invitations/<int:pk>/withdraw/",
        members.invitation_withdraw,
        name="invitation_withdraw",
    ),
]
