//! The data folder: made in one piece or not at all.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use super::{DATABASE, ROLE, discovery::Binaries, place::Place};
use crate::{
    error::{OnPath, UpError},
    home::create_private,
    postgres::Account,
    supervisor::{Supervisor, open_log, tail},
};

/// The major version that the data was made by; `None` where there is no data yet.
pub fn major_version(data: &Path) -> Result<Option<u32>, UpError> {
    let file = data.join("PG_VERSION");
    if !file.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file).on_path("read it", &file)?;
    match text.trim().parse() {
        Ok(major) => Ok(Some(major)),
        Err(_) => Err(UpError::told(format!("{} holds no version number; the database is damaged.", file.display()))),
    }
}

/// What a program needs to run on the data as the right account.
pub struct Tools<'a> {
    pub binaries: &'a Binaries,
    pub account: Option<&'a Account>,
    pub log: &'a Path,
}

impl Tools<'_> {
    /// A program of PostgreSQL with nothing of our environment: PGPORT, PGDATA and the like would lead it astray.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.binaries.program(name));
        command.env_clear().envs(environment()).current_dir("/");
        if let Some(account) = self.account {
            command.uid_and_gid(account);
        }
        command
    }

    /// Makes a new cluster with its role and database. An interrupted run leaves `pg.tmp`, which the next one removes.
    pub fn create(&self, place: &Place, supervisor: &mut Supervisor) -> Result<(), UpError> {
        let unfinished = place.data.with_file_name("pg.tmp");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).on_path("remove it", &unfinished)?;
        }
        create_private(&unfinished)?;
        if let Some(account) = self.account {
            account.take(&unfinished)?;
        }

        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(&unfinished).args(["-U", ROLE, "--auth-local=trust", "--auth-host=scram-sha-256"]);
        initdb.args(["-E", "UTF8", "--locale=C", "--data-checksums"]);
        self.run("initdb", initdb, "", supervisor)?;

        // The single-user mode needs no psql, which not every package of PostgreSQL has.
        let mut single = self.command("postgres");
        single.arg("--single").arg("-D").arg(&unfinished).arg("postgres");
        let statement = format!("CREATE DATABASE {DATABASE} OWNER {ROLE};\n");
        let said = self.run("postgres --single", single, &statement, supervisor)?;
        // A statement that fails there still ends with exit status 0.
        if said.contains("ERROR:") {
            return Err(UpError::told(format!("the database cannot be created:\n{said}")));
        }

        let parent = place.data.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
        let rename = || {
            File::open(&unfinished)?.sync_all()?;
            fs::rename(&unfinished, &place.data)?;
            File::open(&parent)?.sync_all()
        };
        rename().on_path("put the new database there", &place.data)
    }

    fn run(
        &self,
        name: &str,
        mut command: Command,
        input: &str,
        supervisor: &mut Supervisor,
    ) -> Result<String, UpError> {
        let (log, start) = open_log(self.log)?;
        let errors = log.try_clone().on_path("write to it", self.log)?;
        let status = supervisor.run_to_end(command.stdout(log).stderr(errors), input)?;
        let said = tail(self.log, start);
        if status.success() {
            return Ok(said);
        }
        Err(UpError::told(format!("{name} failed ({status}):\n{said}\nThe whole log: {}", self.log.display())))
    }
}

fn environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    let kept = ["PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
    let kept = kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    kept.chain([("LC_ALL", "C".into())])
}

/// Runs a command as another account. The standard library clears the supplementary groups of root with it.
trait AsAccount {
    fn uid_and_gid(&mut self, account: &Account);
}

impl AsAccount for Command {
    fn uid_and_gid(&mut self, account: &Account) {
        use std::os::unix::process::CommandExt;
        self.uid(account.uid).gid(account.gid);
    }
}
