//! Server-sent events, as a browser reads them.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Events {
    bytes: BoxStream<'static, String>,
    waiting: String,
    heard: String,
}

impl Events {
    pub(crate) fn of(answer: reqwest::Response) -> Self {
        let bytes = answer
            .bytes_stream()
            .map(|bytes| String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned());
        Self {
            bytes: bytes.boxed(),
            waiting: String::new(),
            heard: String::new(),
        }
    }

    /// The next event of that name, with its data; those before it are passed over.
    pub(crate) async fn next_containing(&mut self, name: &str) -> String {
        loop {
            while let Some((event, rest)) = self.waiting.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.waiting = rest;
                if event.contains(&format!("event: {name}")) {
                    return event;
                }
            }
            let more = tokio::time::timeout(PATIENCE, self.bytes.next()).await;
            let more = more.unwrap_or_else(|_| panic!("no event {name}; heard {}", self.heard));
            let more = more.expect("the stream goes on");
            self.heard.push_str(&more);
            self.waiting.push_str(&more);
        }
    }

    /// Everything that was heard.
    pub(crate) fn heard(&self) -> &str {
        &self.heard
    }
}
