//! A real Chromium without a screen, driven over `WebDriver`: a small protocol, so without a library for it.

use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const DOWN: &str = "\u{E015}";
pub(crate) const ESCAPE: &str = "\u{E00C}";

const PATIENCE: Duration = Duration::from_secs(30);
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    // Chromium would look for updates of itself at every start.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// The browser with one tab. It ends with the test.
pub(crate) struct Browser {
    driver: Child,
    authority: String,
    session: String,
    http: reqwest::Client,
    profile: TempDir,
}

impl Browser {
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts (Debian packages chromium and chromium-driver)");
        let output = driver.stdout.take().expect("an output");
        let port = BufReader::new(output)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| {
                Some(
                    line.strip_suffix('.')?
                        .rsplit_once("successfully on port ")?
                        .1
                        .to_owned(),
                )
            })
            .expect("it says its port");
        let mut browser = Self {
            driver,
            authority: format!("127.0.0.1:{port}"),
            session: String::new(),
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(PATIENCE * 2)
                .build()
                .expect("a client"),
            profile,
        };
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        flags.push(format!(
            "--user-data-dir={}",
            browser.profile.path().display()
        ));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": flags},
        }}});
        let session = browser.ask(Method::POST, "/session", Some(wanted)).await;
        browser.session = format!(
            "/session/{}",
            session["sessionId"].as_str().expect("a session")
        );
        browser
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self
            .http
            .request(method, format!("http://{}{path}", self.authority));
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let answer = request.send().await.expect("an answer of chromedriver");
        let answer: Value =
            serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON");
        let value = answer["value"].clone();
        assert!(
            value.get("error").is_none(),
            "{path}: {} {}",
            value["error"],
            value["message"]
        );
        value
    }

    async fn command(&self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, &format!("{}{path}", self.session), Some(body))
            .await
    }

    pub(crate) async fn open(&self, url: &str) {
        self.command("/url", json!({"url": url})).await;
    }

    /// What a script gives: a function's body.
    pub(crate) async fn script(&self, script: &str) -> Value {
        self.command("/execute/sync", json!({"script": script, "args": []}))
            .await
    }

    /// What a script gives to the function that is its last argument.
    pub(crate) async fn script_later(&self, script: &str) -> Value {
        self.command("/execute/async", json!({"script": script, "args": []}))
            .await
    }

    /// Waits until an expression holds.
    pub(crate) async fn until(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.script(&format!("return Boolean({expression})")).await != Value::Bool(true) {
            if Instant::now() > deadline {
                let seen = self.script("return document.body.innerText").await;
                panic!(
                    "never {expression}; the page says:\n{}\n{}",
                    seen.as_str().unwrap_or_default(),
                    self.log().await
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the text is somewhere on the page.
    pub(crate) async fn sees(&self, text: &str) {
        self.until(&format!(
            "document.body.innerText.includes({})",
            Value::from(text)
        ))
        .await;
    }

    /// Clicks where a person would: an element that is covered or hidden cannot be.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.command(&format!("/element/{element}/click"), json!({}))
            .await;
    }

    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.command(&format!("/element/{element}/value"), json!({"text": text}))
            .await;
    }

    async fn element(&self, selector: &str) -> String {
        self.until(&format!(
            "document.querySelector({})",
            Value::from(selector)
        ))
        .await;
        let found = self
            .command(
                "/element",
                json!({"using": "css selector", "value": selector}),
            )
            .await;
        let id = found
            .as_object()
            .and_then(|object| object.values().next())
            .and_then(Value::as_str);
        id.expect("an element").to_owned()
    }

    /// Presses keys, whatever has the focus.
    pub(crate) async fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let body = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.command("/actions", body).await;
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn emulate(&self, command: &str, parameters: Value) {
        self.command(
            "/goog/cdp/execute",
            json!({"cmd": command, "params": parameters}),
        )
        .await;
    }

    /// Writes a picture of the tab to `target/console`.
    pub(crate) async fn picture(&self, name: &str) {
        let encoded = self
            .ask(Method::GET, &format!("{}/screenshot", self.session), None)
            .await;
        let encoded = encoded.as_str().expect("a picture");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded)
            .expect("base64");
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/console");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), bytes).expect("a file");
    }

    /// What the page complained of.
    pub(crate) async fn log(&self) -> String {
        let entries = self.command("/se/log", json!({"type": "browser"})).await;
        let lines = entries.as_array().into_iter().flatten();
        lines
            .filter_map(|entry| Some(format!("{}\n", entry["message"].as_str()?)))
            .collect()
    }
}

impl Drop for Browser {
    /// Ends the session first: a browser whose driver is killed goes on without it.
    fn drop(&mut self) {
        if let Ok(mut line) = std::net::TcpStream::connect(&self.authority) {
            let _ = line.set_read_timeout(Some(Duration::from_secs(10)));
            let _ = write!(
                line,
                "DELETE {} HTTP/1.1\r\nHost: {}\r\n\r\n",
                self.session, self.authority
            );
            let _ = std::io::Read::read(&mut line, &mut [0; 64]);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
