//! Proposing a static environment: a branch with its claim, and a merge request that people review.
//!
//! The branch is named after the operation, so that a request that is sent again finds its own work.

use crate::problem::{Problem, Refused};
use crate::traces;
use axum::http::{HeaderMap, StatusCode};
use claims::Claim;
use reqwest::{Client, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;
use utoipa::ToSchema;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(15);

/// A GitLab and the projects there in which claims are managed.
#[derive(Clone, Debug)]
pub struct GitLab {
    http: Client,
    url: Url,
    token: SecretString,
    /// Folder of the claims in a repository.
    folder: String,
}

/// A merge request that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MergeRequest {
    /// Its number in the project.
    pub iid: u64,
    /// Where people review it.
    pub web_url: String,
}

impl GitLab {
    /// Access to a GitLab; nothing is sent yet.
    pub fn new(url: Url, token: SecretString, folder: String) -> Result<Self, reqwest::Error> {
        let http = Client::builder().timeout(PATIENCE).build()?;
        Ok(Self {
            http,
            url,
            token,
            folder,
        })
    }

    /// The path of the project that a claim's repository is; `None` if it is not one of this GitLab.
    #[must_use]
    pub fn project(&self, repository: &str) -> Option<String> {
        let repository = Url::parse(repository).ok()?;
        let same = repository.host_str() == self.url.host_str()
            && repository.port_or_known_default() == self.url.port_or_known_default();
        let base = self.url.path().trim_end_matches('/');
        let path = repository.path().strip_prefix(base)?.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        (same && path.contains('/')).then(|| path.to_owned())
    }

    /// Opens a merge request that adds a claim.
    pub async fn propose(
        &self,
        claim: &Claim,
        by: &str,
        operation: Uuid,
    ) -> Result<MergeRequest, Refused> {
        let git = claim.git.as_ref();
        let target = git.map_or("main", |git| git.branch.as_str());
        let repository = git.map_or("", |git| git.repository.as_str());
        let project = self.project(repository).ok_or_else(|| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "SLW-522",
                "Repository is not known here",
                format!(
                    "{repository} is not a project of {}, where this platform proposes changes",
                    self.url
                ),
                "name a project there in git_repository, or open the merge request yourself",
            )
            .about(repository)
        })?;
        let name = claim.environment_name.as_str();
        let branch = format!("slipway/{name}-{}", &operation.simple().to_string()[..8]);
        let path = format!("{}/{name}.json", self.folder);
        let title = format!("Add environment {name}");
        let commit = json!({
            "branch": branch,
            "start_branch": target,
            "commit_message": format!("{title}\n\nAsked for by {by} through the platform API, operation {operation}."),
            "actions": [{ "action": "create", "file_path": path, "content": claim.to_json() }],
        });
        let committed = self.post(&project, "repository/commits", &commit).await?;
        // The branch has the operation in its name: if it is there, this very request made it.
        self.accept(committed, "commit the claim", |status, words| {
            status == 400 && words.contains("already exists") && words.contains("branch")
        })
        .await?;
        let wanted = json!({
            "source_branch": branch,
            "target_branch": target,
            "title": title,
            "description": format!("{by} asks for this environment. Operation {operation}."),
            "remove_source_branch": true,
        });
        let opened = self.post(&project, "merge_requests", &wanted).await?;
        let answer = self
            .accept(opened, "open the merge request", |status, _| status == 409)
            .await?;
        match answer {
            Some(answer) => self.understood(answer),
            None => self.opened_before(&project, &branch).await,
        }
    }

    async fn opened_before(&self, project: &str, branch: &str) -> Result<MergeRequest, Refused> {
        let address = self.address(project, "merge_requests")?;
        let request = self
            .http
            .get(address)
            .query(&[("source_branch", branch), ("state", "opened")]);
        let answer = self.send(request).await?;
        let list = self
            .accept(answer, "find the merge request", |_, _| false)
            .await?;
        let first = list
            .and_then(|list| list.get(0).cloned())
            .unwrap_or_default();
        self.understood(first)
    }

    fn understood(&self, answer: Value) -> Result<MergeRequest, Refused> {
        serde_json::from_value(answer)
            .map_err(|error| self.failed("open the merge request", &error.to_string()))
    }

    async fn post(&self, project: &str, what: &str, body: &Value) -> Result<Response, Refused> {
        let address = self.address(project, what)?;
        self.send(self.http.post(address).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Refused> {
        let mut headers = HeaderMap::new();
        traces::carry(&mut headers);
        request
            .headers(headers)
            .header("private-token", self.token.expose_secret())
            .send()
            .await
            .map_err(|error| self.failed("be reached", &error.without_url().to_string()))
    }

    fn address(&self, project: &str, what: &str) -> Result<Url, Refused> {
        let mut address = self.url.clone();
        address
            .path_segments_mut()
            .map_err(|()| self.failed("be reached", "its address cannot have a path"))?
            .pop_if_empty()
            .extend(["api", "v4", "projects", project])
            .extend(what.split('/'));
        Ok(address)
    }

    /// The answer's JSON; `None` when it is a refusal that `harmless` recognises.
    async fn accept(
        &self,
        answer: Response,
        action: &str,
        harmless: impl Fn(u16, &str) -> bool,
    ) -> Result<Option<Value>, Refused> {
        let status = answer.status();
        let words = answer.text().await.unwrap_or_default();
        if status.is_success() {
            let value = serde_json::from_str(&words);
            return value
                .map(Some)
                .map_err(|error| self.failed(action, &error.to_string()));
        }
        if harmless(status.as_u16(), &words) {
            return Ok(None);
        }
        let words: String = words.chars().take(300).collect();
        Err(self.failed(action, &format!("HTTP {status} {words}")))
    }

    fn failed(&self, action: &str, why: &str) -> Refused {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "SLW-521",
            "GitLab did not do it",
            format!("{} could not {action}: {why}", self.url),
            "try again; if it stays so, check the token's scope (api) and the project's rights",
        )
        .about(self.url.as_str())
        .retry_after(5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_projects_of_the_same_server_are_proposed_to() {
        let url = "https://git.acme.example/".parse().unwrap();
        let gitlab = GitLab::new(url, "t".into(), "environments".into()).unwrap();
        let of = |repository: &str| gitlab.project(repository);
        let project = Some("platform/environments".to_owned());
        assert_eq!(
            of("https://git.acme.example/platform/environments"),
            project
        );
        assert_eq!(
            of("https://git.acme.example/platform/environments.git"),
            project
        );
        for other in [
            "https://github.com/acme/environments",
            "git@git.acme.example:a/b",
            "https://git.acme.example/a",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
