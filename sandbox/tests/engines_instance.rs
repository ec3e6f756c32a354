//! A host of the sandbox is a real SSH server with a disk and processes of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ground;

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ground::Ground;
use slipway_sandbox::world::{Disturbance, Engines, InstanceSpec};

const PATIENCE: Duration = Duration::from_secs(30);

/// A key pair and how to log in with it to one address, pinned to one host key.
struct Login {
    folder: PathBuf,
    address: Ipv4Addr,
}

fn key(folder: &Path, name: &str) -> (String, String) {
    let path = folder.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    (
        fs::read_to_string(&path).unwrap(),
        fs::read_to_string(path.with_extension("pub")).unwrap(),
    )
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// A host whose host key and login key come from its user data alone.
async fn boot(ground: &Ground, id: &str, host: u8) -> Login {
    let folder = ground.folder.path().join(format!("client-{id}"));
    fs::create_dir_all(&folder).unwrap();
    let (host_private, host_public) = key(&folder, "host");
    let (_, login_public) = key(&folder, "login");
    let address = Ipv4Addr::new(127, 64, ground.slot.number(), host);
    fs::write(
        folder.join("known_hosts"),
        format!("{address} {host_public}"),
    )
    .unwrap();
    let user_data = format!(
        "#cloud-config\nssh_keys:\n  ed25519_private: |\n{}  ed25519_public: {}\nssh_authorized_keys:\n- {}\n\
         disable_root: false\nssh_pwauth: false\nwrite_files:\n- path: /etc/slipway-test\n  content: hello\n",
        indented(&host_private),
        host_public.trim(),
        login_public.trim(),
    );
    let spec = InstanceSpec {
        id: id.to_owned(),
        hostname: format!("host-{id}"),
        address,
        private_ip: None,
        os: "Debian 12 x64 (bookworm)".to_owned(),
        user_data: user_data.into_bytes(),
        ssh_keys: Vec::new(),
    };
    ground.engines.start_instance(spec).await.unwrap();
    Login { folder, address }
}

impl Login {
    fn command(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args([
            "-F",
            "/dev/null",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=yes",
        ])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            self.folder.join("known_hosts").display()
        ))
        .arg("-i")
        .arg(self.folder.join("login"))
        .arg(format!("root@{}", self.address));
        ssh
    }

    fn run(&self, script: &str) -> Output {
        self.command().arg(script).output().unwrap()
    }

    fn output(&self, script: &str) -> String {
        let output = self.run(script);
        assert!(
            output.status.success(),
            "{script}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn listens(&self) -> bool {
        TcpStream::connect((self.address, 22)).is_ok()
    }
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes of the machine whose command line holds the words.
fn running(words: &str) -> usize {
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| {
            String::from_utf8_lossy(line)
                .replace('\0', " ")
                .contains(words)
        })
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_logged_into_with_the_keys_of_its_user_data() {
    let ground = Ground::new().await;
    let started = Instant::now();
    let login = boot(&ground, "i1", 1).await;
    eprintln!("host after {:?}", started.elapsed());
    let other = boot(&ground, "i2", 2).await;
    assert_eq!(
        login.output("id -un; hostname; cat /etc/slipway-test"),
        "root\nhost-i1\nhello"
    );
    let home = login.output("echo $HOME; cd; pwd");
    let (home, there) = home.split_once('\n').unwrap();
    assert_eq!(home, there);
    assert!(
        home.starts_with(ground.folder.path().to_str().unwrap()),
        "{home}"
    );
    login.output("ansible-playbook --version && python3 -c 'import kubernetes, boto3, jsonpatch' && helm version");

    login.output("echo mine > /etc/only-here && echo mine > /opt/only-here");
    assert!(!Path::new("/etc/only-here").exists() && !Path::new("/opt/only-here").exists());
    assert!(!other.run("cat /etc/only-here").status.success());
    login.output("touch /tmp/only-here.210");
    assert!(
        !Path::new("/tmp/only-here.210").exists(),
        "a host has a /tmp of its own"
    );
    let environment = login.output("env");
    assert!(!environment.contains("VULTR_API_KEY"), "{environment}");
    let stranger = Login {
        folder: other.folder.clone(),
        address: login.address,
    };
    assert!(
        !stranger.run("true").status.success(),
        "another host's keys open nothing"
    );

    ground.engines.shutdown().await.unwrap();
    assert!(!login.listens() && !other.listens());
    assert!(!Path::new(home).exists());
    assert_eq!(ground.processes.running().unwrap(), Vec::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_of_power_ends_everything_and_the_disk_stays() {
    let ground = Ground::new().await;
    let login = boot(&ground, "i1", 1).await;
    let words = "sleep 98765.211";
    login.output("echo kept > ~/kept; setsid nohup sleep 98765.211 >/dev/null 2>&1 </dev/null &");
    assert_eq!(running(words), 1);
    ground.engines.halt_instance("i1").await.unwrap();
    assert_eq!(
        running(words),
        0,
        "what was detached on the host ends with its power"
    );
    assert!(!login.listens());
    ground.engines.resume_instance("i1").await.unwrap();
    assert_eq!(login.output("cat ~/kept"), "kept");

    ground
        .engines
        .disturb_instance("i1", Disturbance::SshdDown)
        .await
        .unwrap();
    ground.engines.reboot_instance("i1").await.unwrap();
    assert!(!login.listens(), "sshd stays down over a reboot");
    ground
        .engines
        .disturb_instance("i1", Disturbance::SshdUp)
        .await
        .unwrap();
    assert_eq!(login.output("cat ~/kept"), "kept");
    ground.engines.destroy_instance("i1").await.unwrap();
    ground.engines.destroy_instance("i1").await.unwrap();
    assert!(!login.listens());
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_can_be_dropped_and_sshd_can_be_killed_while_work_goes_on() {
    let ground = Ground::new().await;
    let login = boot(&ground, "i1", 1).await;
    login.output("setsid nohup sleep 98765.212 >/dev/null 2>&1 </dev/null &");
    let mut session = login
        .command()
        .arg("echo in; sleep 98764.212")
        .spawn()
        .unwrap();
    until("the session is in", || running("sleep 98764.212") >= 2);
    ground
        .engines
        .disturb_instance("i1", Disturbance::DropConnections)
        .await
        .unwrap();
    assert!(
        !session.wait().unwrap().success(),
        "the open connection was cut"
    );
    assert_eq!(running("sleep 98765.212"), 1, "what was detached goes on");
    assert_eq!(login.output("echo back"), "back");

    let listener = login.output("ps -o pid= -C sshd --sort=pid | head -1");
    login.run(&format!("kill -9 {listener}"));
    until("sshd is back", || login.run("true").status.success());
    assert_eq!(running("sleep 98765.212"), 1);
    ground.engines.shutdown().await.unwrap();
    assert_eq!(running("98765.212"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_sandbox_leaves_is_ended_by_the_list_alone() {
    let ground = Ground::new().await;
    let login = boot(&ground, "i1", 1).await;
    login.output("setsid nohup sleep 98765.213 >/dev/null 2>&1 </dev/null &");
    // Nothing of the engines is asked: this is what the next `up` does after a `kill -9`.
    ground.processes.reap().unwrap();
    until("nothing of the host is left", || {
        running("sleep 98765.213") == 0 && !login.listens()
    });
    let mounts = fs::read_to_string("/proc/mounts").unwrap();
    assert!(
        !mounts.contains(ground.folder.path().to_str().unwrap()),
        "{mounts}"
    );
}
