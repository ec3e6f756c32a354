//! How something that stands already gets into a state, in words that can be copied.

/// The two ways to import an object of this resource type. What the user called the resource is told to no provider, so that
/// a name stands for it; Terraform shows the real one above every error.
pub(crate) fn import_words(resource_type: &str, id: &str) -> String {
    format!(
        "If it is yours, import it. Put this block beside the resource, with the address that stands above in the place of {resource_type}.main, and apply:\n\n  \
         import {{\n    to = {resource_type}.main\n    id = \"{id}\"\n  }}\n\n\
         Or run this command, then apply:\n\n  terraform import {resource_type}.main {id}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_and_command_stand_on_lines_of_their_own() {
        let words = import_words("slipway_platform", "acme");
        let lines: Vec<&str> = words.lines().map(str::trim_end).collect();
        for line in [
            "  import {",
            "    to = slipway_platform.main",
            "    id = \"acme\"",
            "  }",
            "  terraform import slipway_platform.main acme",
        ] {
            assert!(lines.contains(&line), "{line} is missing in:\n{words}");
        }
    }
}
