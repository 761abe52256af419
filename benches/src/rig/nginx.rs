//! nginx as the floor: a plain reverse proxy with upstream keep-alive and nothing else on.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::service::Service;

/// Starts nginx in front of `upstream`, with its files in `folder`.
pub fn start(program: &Path, folder: &Path, upstream: SocketAddr) -> Result<(Service, SocketAddr), String> {
    let address = free_address()?;
    let config_path = folder.join("nginx.conf");
    fs::write(&config_path, config(folder, address, upstream))
        .map_err(|error| format!("{}: {error}", config_path.display()))?;
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).arg("-c").arg(&config_path);
    command.args(["-g", "daemon off;"]);
    let mut service = Service::start_silent("nginx", command, folder)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline || !service.is_running() {
            return Err(format!("nginx does not come up; its log:\n{}", service.log()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((service, address))
}

/// Where nginx is, and what it calls itself.
pub fn find(given: Option<&Path>) -> Result<(PathBuf, String), String> {
    let known = [PathBuf::from("nginx"), PathBuf::from("/usr/sbin/nginx")];
    let tried = given.map_or(known.to_vec(), |path| vec![path.to_path_buf()]);
    for program in &tried {
        if let Ok(output) = Command::new(program).arg("-v").output() {
            // nginx tells its version on standard error.
            let version = String::from_utf8_lossy(&output.stderr);
            let version = version.trim().trim_start_matches("nginx version: ").to_owned();
            return Ok((program.clone(), version));
        }
    }
    Err("nginx is the floor everything is compared with: install it, or name it with --nginx".to_owned())
}

/// A port that was free a moment ago: nginx cannot be asked to pick one.
fn free_address() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| format!("port: {error}"))?;
    listener.local_addr().map_err(|error| format!("port: {error}"))
}

fn config(folder: &Path, address: SocketAddr, upstream: SocketAddr) -> String {
    let folder = folder.display();
    format!(
        "worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    tcp_nodelay on;
    keepalive_timeout 75s;
    keepalive_requests 100000000;
    client_max_body_size 64m;
    client_body_buffer_size 256k;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    upstream mock {{
        server {upstream};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen {address} backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            # A stream has to be passed on as it comes.
            proxy_buffering off;
            proxy_buffer_size 16k;
            proxy_buffers 8 16k;
            proxy_read_timeout 300s;
        }}
    }}
}}
"
    )
}
