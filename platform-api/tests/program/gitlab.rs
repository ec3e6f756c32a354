//! GitLab's interface for commits and merge requests, as strict as the real one where it matters: the token, the
//! project, a branch that is there already, and a second merge request of one branch are refused.

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::net::TcpListener;

const TOKEN: &str = "glpat-test";

/// A GitLab with one project; it serves as long as the test's runtime.
pub(crate) struct GitLab {
    pub(crate) url: String,
    state: Shared,
}

#[derive(Default)]
struct Project {
    path: String,
    branches: BTreeMap<String, Vec<(String, String)>>,
    requests: Vec<Value>,
}

type Shared = Arc<Mutex<Project>>;
type Answer = (StatusCode, Json<Value>);

impl GitLab {
    pub(crate) async fn start(project: &str) -> Self {
        let state: Shared = Arc::default();
        {
            let mut inner = lock(&state);
            project.clone_into(&mut inner.path);
            inner.branches.insert("main".to_owned(), Vec::new());
        }
        let router = Router::new()
            .route(
                "/api/v4/projects/{project}/repository/commits",
                post(commit),
            )
            .route(
                "/api/v4/projects/{project}/merge_requests",
                get(list).post(open),
            )
            .with_state(state.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    pub(crate) fn token() -> &'static str {
        TOKEN
    }

    pub(crate) fn merge_requests(&self) -> Vec<Value> {
        lock(&self.state).requests.clone()
    }

    /// The only file of the only branch beside main.
    pub(crate) fn only_file(&self) -> (String, String) {
        let inner = lock(&self.state);
        let mut files = inner.branches.values().flatten();
        let file = files.next().expect("a file").clone();
        assert!(files.next().is_none(), "more than one file");
        file
    }
}

fn lock(state: &Shared) -> MutexGuard<'_, Project> {
    state.lock().expect("no test broke down under the lock")
}

fn admit(state: &Shared, headers: &HeaderMap, project: &str) -> Result<(), Answer> {
    if headers
        .get("private-token")
        .is_none_or(|token| token != TOKEN)
    {
        return Err((
            StatusCode::UNAUTHORIZED,
            Json(json!({ "message": "401 Unauthorized" })),
        ));
    }
    if lock(state).path != project {
        return Err((
            StatusCode::NOT_FOUND,
            Json(json!({ "message": "404 Project Not Found" })),
        ));
    }
    Ok(())
}

fn field<'a>(body: &'a Value, name: &str) -> Result<&'a str, Answer> {
    body[name].as_str().ok_or_else(|| {
        let error = json!({ "error": format!("{name} is missing") });
        (StatusCode::BAD_REQUEST, Json(error))
    })
}

async fn commit(
    State(state): State<Shared>,
    Path(project): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Answer, Answer> {
    admit(&state, &headers, &project)?;
    let (branch, start) = (field(&body, "branch")?, field(&body, "start_branch")?);
    field(&body, "commit_message")?;
    let refuse = |why: String| (StatusCode::BAD_REQUEST, Json(json!({ "message": why })));
    let mut inner = lock(&state);
    let files = inner.branches.get(start).cloned();
    let mut files = files.ok_or_else(|| {
        refuse("You can only create or edit files when you are on a branch".to_owned())
    })?;
    if inner.branches.contains_key(branch) {
        return Err(refuse(format!(
            "A branch called '{branch}' already exists. Switch to that branch in order to make changes"
        )));
    }
    for action in body["actions"].as_array().into_iter().flatten() {
        if field(action, "action")? != "create" {
            return Err(refuse("action does not have a valid value".to_owned()));
        }
        let path = field(action, "file_path")?;
        if files.iter().any(|(known, _)| known == path) {
            return Err(refuse("A file with this name already exists".to_owned()));
        }
        files.push((path.to_owned(), field(action, "content")?.to_owned()));
    }
    inner.branches.insert(branch.to_owned(), files);
    Ok((
        StatusCode::CREATED,
        Json(json!({ "id": "ed899a2f4b50b4370feeea94676502b42383c746" })),
    ))
}

async fn open(
    State(state): State<Shared>,
    Path(project): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Answer, Answer> {
    admit(&state, &headers, &project)?;
    let (source, target) = (
        field(&body, "source_branch")?,
        field(&body, "target_branch")?,
    );
    field(&body, "title")?;
    let mut inner = lock(&state);
    for branch in [source, target] {
        if !inner.branches.contains_key(branch) {
            return Err((
                StatusCode::BAD_REQUEST,
                Json(json!({ "message": [format!("branch {branch} does not exist")] })),
            ));
        }
    }
    if inner
        .requests
        .iter()
        .any(|request| request["source_branch"] == source)
    {
        let why = json!({ "message": ["Another open merge request already exists for this source branch: !1"] });
        return Err((StatusCode::CONFLICT, Json(why)));
    }
    let number = inner.requests.len() + 1;
    let request = json!({
        "iid": number, "state": "opened", "source_branch": source, "target_branch": target,
        "web_url": format!("https://gitlab.example/{project}/-/merge_requests/{number}"),
    });
    inner.requests.push(request.clone());
    Ok((StatusCode::CREATED, Json(request)))
}

async fn list(
    State(state): State<Shared>,
    Path(project): Path<String>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<Json<Vec<Value>>, Answer> {
    admit(&state, &headers, &project)?;
    let inner = lock(&state);
    let of_branch = |request: &&Value| {
        query
            .get("source_branch")
            .is_none_or(|branch| request["source_branch"] == *branch)
    };
    Ok(Json(
        inner.requests.iter().filter(of_branch).cloned().collect(),
    ))
}
