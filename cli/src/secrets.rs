//! The installation's secrets: made once, kept in `secrets.env`, overruled by the environment.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use deltallm_shared::{crypto, secret::Secret};

use crate::error::{OnPath, UpError};

pub const MASTER_KEY: &str = "DELTALLM_MASTER_KEY";
pub const SALT_KEY: &str = "DELTALLM_SALT_KEY";
pub const ADMIN_PASSWORD: &str = "DELTALLM_ADMIN_PASSWORD";

const SALT_CHARS: usize = 48;
const PASSWORD_CHARS: usize = 20;
const MIN_PASSWORD_CHARS: usize = 12;
const PASSWORD_PLACEHOLDERS: [&str; 4] = ["change-me", "changeme", "change_me", "password"];

/// Where a secret in use comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the environment, so the operator knows it.
    Environment,
    /// From the configuration, which the operator wrote.
    Configuration,
    /// Kept in the file since an earlier start.
    File,
    /// Made here and never shown: to be shown once.
    New,
}

/// One secret in use.
#[derive(Debug)]
pub struct Held {
    pub value: Secret<String>,
    pub origin: Origin,
}

/// All secrets that the services are given.
#[derive(Debug)]
pub struct Secrets {
    pub master_key: Held,
    pub salt_key: Held,
    pub admin_password: Held,
    /// Whether the environment's salt key is another one than the file's.
    pub salt_differs_from_file: bool,
    unshown: PathBuf,
}

impl Secrets {
    /// Reads the file and the environment, makes what is missing and saves it. `has_data`: whether a database exists already,
    /// whose contents a new salt key could not open.
    pub fn load_or_make(file: &Path, has_data: bool) -> Result<Self, UpError> {
        let from_environment = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Self::from_sources(file, has_data, &from_environment)
    }

    fn from_sources(
        file: &Path,
        has_data: bool,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, UpError> {
        let kept = read(file)?;
        // A first start may fail after this; the next one is then the first to show anything.
        let unshown = file.with_extension("unshown");
        let kept_origin = if unshown.exists() { Origin::New } else { Origin::File };
        let mut made = BTreeMap::new();
        let mut hold = |name: &'static str, make: &dyn Fn() -> Result<String, crypto::CryptoError>| {
            let (value, origin) = if let Some(value) = environment(name) {
                (value, Origin::Environment)
            } else if let Some(value) = kept.get(name) {
                (value.clone(), kept_origin)
            } else {
                let value = make().map_err(|error| UpError::told(format!("{name} cannot be made: {error}")))?;
                made.insert(name, value.clone());
                (value, Origin::New)
            };
            let checked = if name == ADMIN_PASSWORD { check_password(&value) } else { check_key(&value) };
            checked.map_err(|fault| UpError::told(refusal(name, origin, file, &fault)))?;
            Ok::<_, UpError>(Held { value: Secret::new(value), origin })
        };
        let master_key = hold(MASTER_KEY, &|| Ok(crypto::new_virtual_key()?.expose().clone()))?;
        let salt_key = hold(SALT_KEY, &|| crypto::random_text(SALT_CHARS))?;
        let admin_password = hold(ADMIN_PASSWORD, &|| crypto::random_text(PASSWORD_CHARS))?;

        if made.contains_key(SALT_KEY) && has_data {
            return Err(UpError::told(format!(
                "There is a database in {}, but the salt key that its secrets are sealed with is gone: {} does not hold {SALT_KEY}. \
                 Put the file back, or set {SALT_KEY}, or delete the whole folder to begin anew.",
                file.parent().unwrap_or(file).display(),
                file.display()
            )));
        }
        if !made.is_empty() {
            File::create(&unshown).on_path("create it", &unshown)?;
            save(file, &kept, &made)?;
        }
        let salt_differs_from_file =
            kept.get(SALT_KEY).is_some_and(|in_file| !crypto::constant_time_eq(in_file, salt_key.value.expose()));
        Ok(Self { master_key, salt_key, admin_password, salt_differs_from_file, unshown })
    }

    /// A key that the configuration names holds for both services, whatever else there is.
    pub fn adopt(&mut self, master_key: Option<&Secret<String>>, salt_key: Option<&Secret<String>>) {
        for (held, named) in [(&mut self.master_key, master_key), (&mut self.salt_key, salt_key)] {
            if let Some(value) = named.filter(|value| **value != held.value) {
                *held = Held { value: value.clone(), origin: Origin::Configuration };
            }
        }
    }

    /// From now on the operator knows them.
    pub fn were_shown(&self) {
        // Left in place it would show them once more, no worse than that.
        let _ = fs::remove_file(&self.unshown);
    }
}

fn check_key(value: &str) -> Result<(), String> {
    crypto::check_strength(value).map_err(|error| error.to_string())
}

fn check_password(value: &str) -> Result<(), String> {
    if value.chars().count() < MIN_PASSWORD_CHARS {
        return Err(format!("it is shorter than {MIN_PASSWORD_CHARS} characters"));
    }
    let lower = value.to_ascii_lowercase();
    match PASSWORD_PLACEHOLDERS.iter().find(|word| lower.contains(**word)) {
        Some(word) => Err(format!("it contains the placeholder `{word}`")),
        None => Ok(()),
    }
}

fn refusal(name: &str, origin: Origin, file: &Path, fault: &str) -> String {
    match origin {
        Origin::Environment => {
            format!("{name} in the environment is refused: {fault}. Unset it and one is made for you.")
        }
        Origin::Configuration | Origin::File | Origin::New => {
            format!("{name} in {} is refused: {fault}", file.display())
        }
    }
}

fn read(file: &Path) -> Result<BTreeMap<String, String>, UpError> {
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(file).on_path("read it", file)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect())
}

/// Writes the whole file beside the old one and renames: a crash leaves either of them, never half.
fn save(file: &Path, kept: &BTreeMap<String, String>, made: &BTreeMap<&str, String>) -> Result<(), UpError> {
    let mut text = String::from(
        "# DeltaLLM's own secrets, made on the first start. Back this file up: without the salt key nobody can read the\n\
         # provider keys in the database. The admin password is the first one of admin@deltallm.local; change it in the dashboard.\n",
    );
    let kept = kept.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in kept.chain(made.iter().map(|(name, value)| (*name, value))) {
        text.push_str(name);
        text.push('=');
        text.push_str(value);
        text.push('\n');
    }
    let new = file.with_extension("env.new");
    let write = || {
        let mut writer = File::options().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        writer.write_all(text.as_bytes())?;
        writer.sync_all()?;
        fs::rename(&new, file)
    };
    write().on_path("save the secrets in it", file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn they_are_made_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.env");
        let first = Secrets::from_sources(&file, false, &nothing).unwrap();
        assert!(first.master_key.value.expose().starts_with("sk-"));
        assert_eq!(first.master_key.origin, Origin::New);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        let unseen = Secrets::from_sources(&file, true, &nothing).unwrap();
        assert_eq!(unseen.master_key.origin, Origin::New, "nobody has seen it yet");
        unseen.were_shown();

        let second = Secrets::from_sources(&file, true, &nothing).unwrap();
        assert_eq!(second.master_key.origin, Origin::File);
        assert_eq!(second.master_key.value, first.master_key.value);
        assert_eq!(second.salt_key.value, first.salt_key.value);
        assert_eq!(second.admin_password.value, first.admin_password.value);
    }

    #[test]
    fn the_environment_wins_and_is_not_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.env");
        Secrets::from_sources(&file, false, &nothing).unwrap();
        let salt = "an-environment-salt-key-of-good-length-0123456789";
        let environment = |name: &str| (name == SALT_KEY).then(|| salt.to_owned());
        let secrets = Secrets::from_sources(&file, true, &environment).unwrap();
        assert_eq!(secrets.salt_key.origin, Origin::Environment);
        assert_eq!(secrets.salt_key.value.expose(), salt);
        assert!(secrets.salt_differs_from_file);
        assert!(!fs::read_to_string(&file).unwrap().contains(salt));
    }

    #[test]
    fn a_key_of_the_configuration_holds_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.env");
        let mut secrets = Secrets::from_sources(&file, false, &nothing).unwrap();
        let same = secrets.salt_key.value.clone();
        let named = Secret::new("sk-written-into-the-configuration".to_owned());
        secrets.adopt(Some(&named), Some(&same));
        assert_eq!((secrets.master_key.origin, &secrets.master_key.value), (Origin::Configuration, &named));
        assert_eq!(secrets.salt_key.origin, Origin::New, "the configuration only refers to it");
    }

    #[test]
    fn a_placeholder_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.env");
        let environment = |name: &str| (name == MASTER_KEY).then(|| "change-me".to_owned());
        let error = Secrets::from_sources(&file, false, &environment).unwrap_err().to_string();
        assert!(error.contains(MASTER_KEY) && error.contains("environment"), "{error}");
    }

    #[test]
    fn a_lost_salt_key_is_not_replaced_under_an_old_database() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.env");
        let error = Secrets::from_sources(&file, true, &nothing).unwrap_err().to_string();
        assert!(error.contains("salt key"), "{error}");
        assert!(!file.exists(), "nothing was written");
    }
}
