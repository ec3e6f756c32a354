// Stands in for the nine modules of Terraform's remote state backends, which no module proxy serves: see ../../README.md.
module github.com/hashicorp/terraform/internal/backend/remote-state

go 1.26.8
