//! Users and groups, looked up in `/etc/passwd` and `/etc/group`. Who is known only to a directory service (LDAP) can be
//! given by numbers: asking such a service would take libc's loadable modules into the program.

use std::path::PathBuf;

use segue_supervisor::keeper::User;

/// The two files' text.
pub(super) struct Accounts {
    pub(super) passwd: String,
    pub(super) group: String,
}

/// Why there is no such user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum UserError {
    /// Not in the file.
    #[error("there is no user `{0}`")]
    Unknown(String),
    /// Not in the file.
    #[error("there is no group `{0}`")]
    Group(String),
    /// A number without a name, whose group nobody knows.
    #[error("user {0} has no name here, so its group is not known")]
    MainGroup(u32),
}

// === impl Accounts ===

impl Accounts {
    /// This machine's. A file that cannot be read is empty: numbers do without it.
    pub(super) fn read() -> Self {
        // A full name in an old encoding is no reason not to know anybody.
        let read = |path| {
            std::fs::read(path).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
        };
        Self { passwd: read("/etc/passwd"), group: read("/etc/group") }
    }

    /// Reads `name`, `number`, `name:group`, `number:number`.
    pub(super) fn find(&self, text: &str) -> Result<User, UserError> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let number: Option<u32> = user.parse().ok();
        let line =
            self.passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| match number {
                Some(_) => fields.get(2) == Some(&user),
                None => fields.first() == Some(&user),
            });
        let of_line = |index: usize| line.as_ref().and_then(|fields| fields.get(index).copied());
        let uid =
            number.or_else(|| of_line(2)?.parse().ok()).ok_or_else(|| UserError::Unknown(user.to_owned()))?;
        let gid = match group {
            Some(group) => self.group(group)?,
            None => of_line(3).and_then(|gid| gid.parse().ok()).ok_or(UserError::MainGroup(uid))?,
        };
        let name = of_line(0).unwrap_or(user).to_owned();
        let groups = self.groups_of(&name, gid);
        let home = of_line(5).filter(|home| !home.is_empty()).map(PathBuf::from);
        Ok(User { name, uid, gid, groups, home })
    }

    fn group(&self, group: &str) -> Result<u32, UserError> {
        if let Ok(number) = group.parse() {
            return Ok(number);
        }
        let line = self.group.lines().find(|line| line.split(':').next() == Some(group));
        line.and_then(|line| line.split(':').nth(2)?.parse().ok())
            .ok_or_else(|| UserError::Group(group.to_owned()))
    }

    fn groups_of(&self, name: &str, gid: u32) -> Vec<u32> {
        let mut groups = vec![gid];
        for line in self.group.lines() {
            let fields: Vec<_> = line.split(':').collect();
            let member = fields.get(3).is_some_and(|members| members.split(',').any(|member| member == name));
            if let Some(number) = fields.get(2).and_then(|number| number.parse().ok()).filter(|_| member)
                && !groups.contains(&number)
            {
                groups.push(number);
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts {
            passwd: "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/www:/bin/false\n".to_owned(),
            group: "root:x:0:\nwww:x:34:\nlogs:x:50:ann,web\nssl:x:51:webby\nwww2:x:34:web\n".to_owned(),
        }
    }

    #[test]
    fn a_name_brings_its_groups_and_its_home() {
        let web = User {
            name: "web".to_owned(),
            uid: 33,
            gid: 34,
            groups: vec![34, 50],
            home: Some("/var/www".into()),
        };
        assert_eq!(accounts().find("web"), Ok(web.clone()));
        assert_eq!(accounts().find("33"), Ok(web.clone()));
        assert_eq!(accounts().find("web:logs"), Ok(User { gid: 50, groups: vec![50, 34], ..web }));
    }

    #[test]
    fn a_number_without_a_name_needs_its_group() {
        let user = User { name: "1000".to_owned(), uid: 1000, gid: 7, groups: vec![7], home: None };
        assert_eq!(accounts().find("1000:7"), Ok(user));
        assert_eq!(accounts().find("1000"), Err(UserError::MainGroup(1000)));
    }

    #[test]
    fn a_user_without_a_home_gets_none() {
        let passwd = "web:x:33:34:web::/bin/false\n".to_owned();
        assert_eq!(Accounts { passwd, ..accounts() }.find("web").map(|web| web.home), Ok(None));
    }

    #[test]
    fn who_does_not_exist_is_named() {
        assert_eq!(accounts().find("nobody"), Err(UserError::Unknown("nobody".to_owned())));
        assert_eq!(accounts().find("web:staff"), Err(UserError::Group("staff".to_owned())));
        assert_eq!(accounts().find(""), Err(UserError::Unknown(String::new())));
    }
}
