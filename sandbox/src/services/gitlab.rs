//! GitLab's interface for runners: made with a token that may make them, their own token shown once.

use std::collections::BTreeMap;

use async_trait::async_trait;
use axum::http::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::body::{fields, text};
use super::call::{Answer, Call, Service};

pub(crate) struct GitLab {
    token: String,
    runners: BTreeMap<u64, Map<String, Value>>,
    made: u64,
}

impl GitLab {
    pub(crate) fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            runners: BTreeMap::new(),
            made: 0,
        }
    }
}

#[async_trait]
impl Service for GitLab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    async fn answer(&mut self, call: &Call) -> Answer {
        if call.header("private-token") != Some(&self.token) && call.bearer() != Some(&self.token) {
            return Answer::Json(401, json!({ "message": "401 Unauthorized" }));
        }
        self.route(call).unwrap_or_else(|answer| answer)
    }
}

fn runner_token() -> String {
    format!("glrt-{}", Uuid::new_v4().simple())
}

impl GitLab {
    fn route(&mut self, call: &Call) -> Result<Answer, Answer> {
        let segments = call.segments();
        match (&call.method, segments.as_slice()) {
            (&Method::POST, ["api", "v4", "user", "runners"]) => self.add(call),
            (method, ["api", "v4", "runners", number, rest @ ..]) => {
                let number: u64 = number.parse().map_err(|_| Answer::no_route(call))?;
                let Some(runner) = self.runners.get(&number) else {
                    return Ok(Answer::Json(404, json!({ "message": "404 Not found" })));
                };
                match (method, rest) {
                    (&Method::GET, []) => {
                        let mut shown = runner.clone();
                        shown.insert("id".to_owned(), number.into());
                        shown.insert("status".to_owned(), "online".into());
                        Ok(Answer::Json(200, Value::Object(shown)))
                    }
                    (&Method::DELETE, []) => {
                        self.runners.remove(&number);
                        Ok(Answer::Text(204, ""))
                    }
                    (&Method::POST, ["reset_authentication_token"]) => Ok(Answer::Json(
                        201,
                        json!({ "id": number, "token": runner_token() }),
                    )),
                    _ => Err(Answer::no_route(call)),
                }
            }
            _ => Err(Answer::no_route(call)),
        }
    }

    fn add(&mut self, call: &Call) -> Result<Answer, Answer> {
        let optional = [
            "group_id",
            "project_id",
            "description",
            "tag_list",
            "run_untagged",
            "locked",
            "maximum_timeout",
            "access_level",
            "paused",
        ];
        let runner = fields(call, &["runner_type"], &optional)?;
        let owner = match text(&runner, "runner_type")?.as_str() {
            "instance_type" => None,
            "group_type" => Some("group_id"),
            "project_type" => Some("project_id"),
            other => return Err(Answer::unexpected(format!("runner_type {other}"))),
        };
        if let Some(owner) = owner
            && !runner.contains_key(owner)
        {
            return Ok(Answer::Json(
                400,
                json!({ "error": format!("{owner} is missing") }),
            ));
        }
        self.made += 1;
        self.runners.insert(self.made, runner);
        Ok(Answer::Json(
            201,
            json!({ "id": self.made, "token": runner_token(), "token_expires_at": null }),
        ))
    }
}
