//! A server that answers from a script: for what a real registry does only behind other software, or when it breaks.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use registry::{Registry, Settings};

/// What came in: the request line and the headers, in small letters.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) target: String,
    pub(crate) headers: String,
}

/// Status line and headers, then the body.
pub(crate) type Answer = (String, String);

/// A server on a port of its own; it answers until the test process ends.
pub(crate) struct Script {
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Script {
    pub(crate) fn start(answer: impl Fn(&str, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, own) = (Arc::clone(&seen), address.clone());
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let (noted, own, answer) = (Arc::clone(&noted), own.clone(), Arc::clone(&answer));
                thread::spawn(move || {
                    let request = read(&stream);
                    noted.lock().unwrap().push(request.clone());
                    let (head, body) = answer(&own, &request);
                    let length = body.len();
                    let text = format!(
                        "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                    );
                    // A client that has read enough hangs up early.
                    let _ = (&stream).write_all(text.as_bytes());
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn settings(&self, below: &str) -> Settings {
        Settings::new(format!("{}{below}", self.address).parse().unwrap())
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::new(self.settings("/")).unwrap()
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let line = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    Request {
        target: line.split(' ').nth(1).unwrap_or_default().to_owned(),
        headers: headers.join("\n").to_lowercase(),
    }
}

/// A page of tags, with a link to the next if there is one.
pub(crate) fn page(tags: &[&str], next: Option<&str>) -> Answer {
    let link = next.map_or_else(String::new, |next| {
        format!("\r\nlink: <{next}>; rel=\"next\"")
    });
    (
        format!("200 OK\r\ncontent-type: application/json{link}"),
        serde_json::json!({ "name": "a", "tags": tags }).to_string(),
    )
}
