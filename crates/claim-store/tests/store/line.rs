//! A line to a server that can be cut. It carries one request per connection and knows of HTTP only where the head of
//! a request ends and which method it has.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is swallowed and the line is cut: the server never sees it.
    CutRequest,
    /// It arrives and takes effect, and the line is cut before the answer.
    CutAnswer,
    /// It arrives and takes effect, and no answer ever comes.
    HoldAnswer,
    /// It arrives and takes effect, and the answer breaks off before its last byte.
    HalfAnswer,
}

/// Trouble for the requests of one method.
struct Rule {
    method: &'static str,
    trouble: Trouble,
    pass_first: usize,
    times: usize,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<String>,
    /// Requests that wait for their answer now, and the most that ever did.
    open: usize,
    most_open: usize,
}

/// The line; it ends with the test.
pub(crate) struct Line {
    address: String,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Line {
    pub(crate) async fn to(endpoint: &str) -> Self {
        let server = endpoint.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), shared.clone()));
            }
        });
        Self {
            address,
            state,
            accepting,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Trouble for the next request of that method.
    pub(crate) fn next(&self, method: &'static str, trouble: Trouble) {
        self.rule(Rule {
            method,
            trouble,
            pass_first: 0,
            times: 1,
        });
    }

    /// Trouble for all requests of that method.
    pub(crate) fn always(&self, method: &'static str, trouble: Trouble) {
        self.always_after(method, 0, trouble);
    }

    /// Trouble for all requests of that method but the first ones.
    pub(crate) fn always_after(&self, method: &'static str, pass_first: usize, trouble: Trouble) {
        self.rule(Rule {
            method,
            trouble,
            pass_first,
            times: usize::MAX,
        });
    }

    /// No trouble any more.
    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// How many requests of that method came by.
    pub(crate) fn seen(&self, method: &str) -> usize {
        self.state
            .lock()
            .unwrap()
            .seen
            .iter()
            .filter(|seen| *seen == method)
            .count()
    }

    /// How many requests waited for their answer at the same time.
    pub(crate) fn most_open(&self) -> usize {
        self.state.lock().unwrap().most_open
    }

    fn rule(&self, rule: Rule) {
        self.state.lock().unwrap().rules.push(rule);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    fn opened(&mut self) {
        self.open += 1;
        self.most_open = self.most_open.max(self.open);
    }

    fn meet(&mut self, method: &str) -> Option<Trouble> {
        self.seen.push(method.to_owned());
        let rule = self
            .rules
            .iter_mut()
            .find(|rule| rule.method == method && rule.times > 0)?;
        if rule.pass_first > 0 {
            rule.pass_first -= 1;
            return None;
        }
        rule.times -= 1;
        Some(rule.trouble)
    }
}

/// Carries one request and its answer. Errors end the connection, which is all that a line can do about them.
async fn carry(mut client: TcpStream, server: String, state: Arc<Mutex<State>>) -> Option<()> {
    let request = read_message(&mut client, false).await?;
    let method = String::from_utf8_lossy(&request)
        .split(' ')
        .next()?
        .to_owned();
    let trouble = state.lock().unwrap().meet(&method);
    if trouble == Some(Trouble::CutRequest) {
        return None;
    }
    state.lock().unwrap().opened();
    let answer = ask(&server, &request).await;
    // Before the client can know: it may send the next request at once.
    state.lock().unwrap().open -= 1;
    let answer = answer?;
    match trouble {
        Some(Trouble::CutAnswer) => None,
        Some(Trouble::HoldAnswer) => {
            // Until the client gives up.
            let _ = client.read(&mut [0; 1]).await;
            None
        }
        Some(Trouble::HalfAnswer) => client.write_all(&answer[..answer.len() - 1]).await.ok(),
        Some(Trouble::CutRequest) | None => client.write_all(&answer).await.ok(),
    }
}

async fn ask(server: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut upstream = TcpStream::connect(server).await.ok()?;
    upstream.write_all(request).await.ok()?;
    read_message(&mut upstream, true).await
}

/// Reads a head and the body that its Content-Length announces; an answer without one ends with the connection. One
/// message per connection: the head is told to close.
async fn read_message(stream: &mut TcpStream, is_answer: bool) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let head_end = message
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .map(|at| at + 4);
        if let Some(head_end) = head_end {
            let head = String::from_utf8_lossy(&message[..head_end]).to_lowercase();
            let announced = head.lines().find_map(|line| {
                line.strip_prefix("content-length:")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            });
            let whole = announced
                .or((!is_answer).then_some(0))
                .is_some_and(|body| message.len() >= head_end + body);
            if whole {
                return Some(closing(&message, head_end));
            }
        }
        match stream.read(&mut chunk).await.ok()? {
            0 if is_answer && !message.is_empty() => return Some(message),
            0 => return None,
            read => message.extend_from_slice(&chunk[..read]),
        }
    }
}

fn closing(message: &[u8], head_end: usize) -> Vec<u8> {
    let mut closing = message[..head_end - 2].to_vec();
    closing.extend_from_slice(b"Connection: close\r\n\r\n");
    closing.extend_from_slice(&message[head_end..]);
    closing
}
