// Package oci takes the place of the oci backend.
package oci

import (
	"github.com/hashicorp/terraform/internal/backend"
	"github.com/hashicorp/terraform/internal/backend/remote-state/absent"
)

// New gives the backend that refuses.
func New() backend.Backend {
	return absent.New("oci")
}
