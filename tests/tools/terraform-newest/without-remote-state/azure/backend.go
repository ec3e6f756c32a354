// Package azure takes the place of the azurerm backend.
package azure

import (
	"github.com/hashicorp/terraform/internal/backend"
	"github.com/hashicorp/terraform/internal/backend/remote-state/absent"
)

// New gives the backend that refuses.
func New() backend.Backend {
	return absent.New("azurerm")
}
