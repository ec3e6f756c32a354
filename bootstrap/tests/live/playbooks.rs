//! Small playbooks folders, each with our own callback plugin and configuration.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A playbooks folder in the making.
pub(crate) struct Playbooks {
    folder: tempfile::TempDir,
    catalog: String,
}

impl Playbooks {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../playbooks");
        std::fs::create_dir(folder.path().join("callback_plugins")).unwrap();
        for file in ["ansible.cfg", "callback_plugins/slipway_events.py"] {
            std::fs::copy(ours.join(file), folder.path().join(file)).unwrap();
        }
        Self {
            folder,
            catalog: "components:\n".to_owned(),
        }
    }

    /// A component with these tasks; `graph` adds `needs`, `uses` or `secrets` to its entry.
    pub(crate) fn with(self, name: &str, graph: &str, tasks: &str) -> Self {
        let indented = format!("    {}", tasks.trim_end().replace('\n', "\n    "));
        let playbook = format!(
            "- name: Install {name}\n  hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n{indented}"
        );
        self.with_playbook(name, graph, &playbook)
    }

    /// A component with this playbook.
    pub(crate) fn with_playbook(mut self, name: &str, graph: &str, playbook: &str) -> Self {
        std::fs::write(self.folder.path().join(format!("{name}.yml")), playbook).unwrap();
        let graph = if graph.is_empty() {
            String::new()
        } else {
            format!("{graph}, ")
        };
        writeln!(
            self.catalog,
            "  {name}: {{summary: s, playbook: {name}.yml, roles: [], namespace: {name}, sizes: [dev, ha], {graph}\
             chart: {{name: {name}, repository: 'https://charts.example', version: '1.0.0', app_version: '1'}}}}"
        )
        .unwrap();
        self
    }

    /// Where the program keeps its files of these runs.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join(".state")
    }

    pub(crate) fn folder(&self) -> &Path {
        std::fs::write(self.folder.path().join("components.yaml"), &self.catalog).unwrap();
        self.folder.path()
    }
}

/// A task that says something and changes nothing.
pub(crate) const SAY: &str = "- name: Say something\n  ansible.builtin.debug:\n    msg: hello from {{ slipway_component.name }}\n";

/// A task that waits until a file is there.
pub(crate) fn wait_for(file: &Path) -> String {
    format!(
        "- name: Wait for the test\n  ansible.builtin.command: sh -c 'until test -e {0}; do sleep 0.05; done'\n  changed_when: false\n",
        file.display()
    )
}
