//! The one table of who may do what. A path that is not in it cannot be called: the guard refuses, and a test compares the
//! table with the OpenAPI document.

use crate::auth::Role;

/// What an endpoint asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing: anybody may call it.
    Public,
    /// A log-in; it concerns the caller only.
    Own,
    /// To see the gateway's data.
    Read,
    /// To change them.
    Write,
}

impl Role {
    /// Whether the role includes a permission.
    pub const fn allows(self, permission: Permission) -> bool {
        match (self, permission) {
            (_, Permission::Public | Permission::Own) | (Self::Admin, _) | (Self::Viewer, Permission::Read) => true,
            (Self::Viewer, Permission::Write) | (Self::Member, Permission::Read | Permission::Write) => false,
        }
    }
}

/// One row: method, path as it is routed, permission.
pub type Rule = (&'static str, &'static str, Permission);

/// The table.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    ("POST",   "/api/v1/session",             Permission::Public),
    ("DELETE", "/api/v1/session",             Permission::Own),
    ("GET",    "/api/v1/me",                  Permission::Own),
    ("PUT",    "/api/v1/me/password",         Permission::Own),

    ("GET",    "/api/v1/keys",                Permission::Read),
    ("POST",   "/api/v1/keys",                Permission::Write),
    ("GET",    "/api/v1/keys/{id}",           Permission::Read),
    ("PATCH",  "/api/v1/keys/{id}",           Permission::Write),
    ("DELETE", "/api/v1/keys/{id}",           Permission::Write),
    ("POST",   "/api/v1/keys/{id}/block",     Permission::Write),
    ("POST",   "/api/v1/keys/{id}/unblock",   Permission::Write),

    ("GET",    "/api/v1/models",              Permission::Read),
    ("POST",   "/api/v1/models",              Permission::Write),
    ("POST",   "/api/v1/models/test",         Permission::Write),
    ("GET",    "/api/v1/models/{id}",         Permission::Read),
    ("PATCH",  "/api/v1/models/{id}",         Permission::Write),
    ("DELETE", "/api/v1/models/{id}",         Permission::Write),
    ("GET",    "/api/v1/providers",           Permission::Read),

    ("GET",    "/api/v1/credentials",         Permission::Read),
    ("POST",   "/api/v1/credentials",         Permission::Write),
    ("GET",    "/api/v1/credentials/{id}",    Permission::Read),
    ("PATCH",  "/api/v1/credentials/{id}",    Permission::Write),
    ("DELETE", "/api/v1/credentials/{id}",    Permission::Write),

    ("GET",    "/api/v1/teams",               Permission::Read),
    ("POST",   "/api/v1/teams",               Permission::Write),
    ("GET",    "/api/v1/teams/{id}",          Permission::Read),
    ("PATCH",  "/api/v1/teams/{id}",          Permission::Write),
    ("DELETE", "/api/v1/teams/{id}",          Permission::Write),

    ("GET",    "/api/v1/users",               Permission::Read),
    ("POST",   "/api/v1/users",               Permission::Write),
    ("GET",    "/api/v1/users/{id}",          Permission::Read),
    ("PATCH",  "/api/v1/users/{id}",          Permission::Write),
    ("DELETE", "/api/v1/users/{id}",          Permission::Write),

    ("GET",    "/api/v1/organizations",       Permission::Read),
    ("POST",   "/api/v1/organizations",       Permission::Write),
    ("GET",    "/api/v1/organizations/{id}",  Permission::Read),
    ("PATCH",  "/api/v1/organizations/{id}",  Permission::Write),
    ("DELETE", "/api/v1/organizations/{id}",  Permission::Write),

    ("GET",    "/api/v1/requests",            Permission::Read),
    ("GET",    "/api/v1/requests/stream",     Permission::Read),
    ("GET",    "/api/v1/requests/{id}",       Permission::Read),
    ("GET",    "/api/v1/requests/{id}/explain", Permission::Read),
    ("GET",    "/api/v1/spend/summary",       Permission::Read),

    ("GET",    "/api/v1/routing",             Permission::Read),
    ("PUT",    "/api/v1/routing",             Permission::Write),
    ("DELETE", "/api/v1/routing",             Permission::Write),
    ("GET",    "/api/v1/routing/groups/{model_name}", Permission::Read),
    ("PUT",    "/api/v1/routing/groups/{model_name}", Permission::Write),
    ("DELETE", "/api/v1/routing/groups/{model_name}", Permission::Write),

    ("GET",    "/api/openapi.json",           Permission::Public),
];

/// What a method on a routed path asks for; `None`: it is not in the table.
pub fn required(method: &str, pattern: &str) -> Option<Permission> {
    RULES.iter().find(|(of, path, _)| *of == method && *path == pattern).map(|(_, _, permission)| *permission)
}

/// The methods that a routed path knows.
pub fn methods(pattern: &str) -> Vec<&'static str> {
    RULES.iter().filter(|(_, path, _)| *path == pattern).map(|(method, _, _)| *method).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_openapi_document_and_the_login_are_public() {
        let public: Vec<_> = RULES.iter().filter(|rule| rule.2 == Permission::Public).map(|rule| rule.1).collect();
        assert_eq!(public, ["/api/v1/session", "/api/openapi.json"]);
    }

    #[test]
    fn what_changes_something_asks_for_more_than_reading() {
        for (method, path, permission) in RULES {
            if *method != "GET" {
                assert_ne!(*permission, Permission::Read, "{method} {path}");
            }
        }
    }

    #[test]
    fn a_viewer_reads_and_a_member_sees_only_itself() {
        assert!(Role::Viewer.allows(Permission::Read) && !Role::Viewer.allows(Permission::Write));
        assert!(Role::Member.allows(Permission::Own) && !Role::Member.allows(Permission::Read));
        assert!(Role::Admin.allows(Permission::Write));
    }
}
