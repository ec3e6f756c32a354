//! The plain alternative: policies decided by a process of their own, one HTTP call for each question, as cedar-agent is
//! asked. It is ours, so that both sides evaluate the same policies by the same library: the difference is the way there.

use authz::{Action, Circumstances, Environment, PolicySet, Principal, Resource};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::TcpListener;

/// One question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    pub(crate) principal: String,
    pub(crate) teams: Vec<String>,
    pub(crate) name: String,
    pub(crate) pool: String,
    pub(crate) environment_type: String,
    pub(crate) owner: String,
}

/// Its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) policies: Vec<String>,
}

/// Serves until it is killed; prints its address first.
pub(crate) async fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let set = Arc::new(PolicySet::defaults().expect("the defaults are valid"));
    let router = Router::new()
        .route("/v1/is_authorized", post(decide))
        .with_state(set);
    axum::serve(listener, router).await.expect("it serves");
}

async fn decide(State(set): State<Arc<PolicySet>>, Json(question): Json<Question>) -> Json<Answer> {
    let principal = Principal::user(&question.principal).in_teams(question.teams);
    let resource = Resource::Environment(Environment {
        name: question.name,
        pool: question.pool,
        environment_type: question.environment_type.parse().expect("a type"),
        owner: question.owner,
        origin: authz::Origin::Bucket,
        protected: false,
    });
    let circumstances = Circumstances::api(Timestamp::now());
    let verdict = set.decide(
        &principal,
        Action::ReadEnvironment,
        &resource,
        &circumstances,
    );
    Json(Answer {
        allowed: verdict.allowed,
        policies: verdict
            .deciding
            .into_iter()
            .map(|deciding| deciding.policy)
            .collect(),
    })
}
