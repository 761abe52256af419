//! The printed request works as it stands, with the real proxy and the real admin service.

use std::process::Command;

use crate::launcher::Installation;

/// The command between "Try it:" and the last line of the banner.
fn printed_command(output: &str) -> String {
    let after = output.split("Try it:").nth(1).unwrap_or_else(|| panic!("no request in {output}"));
    after.split("Ctrl-C").next().unwrap().trim().to_owned()
}

#[test]
fn the_printed_request_is_answered_on_the_first_and_on_a_later_start() {
    let installation = Installation::with_real_services();
    for start in ["first", "second"] {
        let launcher = installation.start();
        let command = printed_command(&launcher.output);
        let answer = Command::new("bash")
            .arg("-c")
            .arg(format!("{} --silent --show-error --max-time 20", command.trim()))
            .output()
            .unwrap();
        let body = String::from_utf8_lossy(&answer.stdout).into_owned();
        let errors = String::from_utf8_lossy(&answer.stderr);
        assert!(body.contains("\"choices\"") && body.contains("Hello"), "{start} start\n{command}\n{body}{errors}");
        let said = launcher.stop();
        assert!(!said.contains("killing it"), "both stop by themselves: {said}");
    }
}
