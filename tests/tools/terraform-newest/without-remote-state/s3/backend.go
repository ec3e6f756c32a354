// Package s3 takes the place of the s3 backend.
package s3

import (
	"github.com/hashicorp/terraform/internal/backend"
	"github.com/hashicorp/terraform/internal/backend/remote-state/absent"
)

// New gives the backend that refuses.
func New() backend.Backend {
	return absent.New("s3")
}
