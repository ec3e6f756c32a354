//! Calls over HTTP from tests that may or may not be inside a runtime.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One blocking HTTP call, on a thread of its own: some tests are inside a runtime, the others have none.
pub(crate) fn request(
    method: &str,
    url: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Result<Value> {
    std::thread::scope(|scope| {
        let call = scope.spawn(|| blocking(method, url, key, body));
        call.join()
            .unwrap_or_else(|_| bail!("{method} {url}: the call panicked"))
    })
}

fn blocking(method: &str, url: &str, key: Option<&str>, body: Option<&Value>) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Loopback only: no proxy, and no time lost on reading the machine's certificate authorities.
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()?;
        let mut call = client.request(method.parse()?, url);
        if let Some(key) = key {
            call = call.bearer_auth(key);
        }
        if let Some(body) = body {
            call = call.json(body);
        }
        let answer = call.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{method} {url}: {status}: {text}");
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text)
            .with_context(|| format!("{method} {url} answered no JSON: {text}"))
    })
}
