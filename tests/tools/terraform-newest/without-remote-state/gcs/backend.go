// Package gcs takes the place of the gcs backend.
package gcs

import (
	"github.com/hashicorp/terraform/internal/backend"
	"github.com/hashicorp/terraform/internal/backend/remote-state/absent"
)

// New gives the backend that refuses.
func New() backend.Backend {
	return absent.New("gcs")
}
