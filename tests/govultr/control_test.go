package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// control makes a call to the sandbox itself, as its own sub-commands do.
func (a *account) control(method, what string, body any) []byte {
	a.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		a.t.Fatal(err)
	}
	base := strings.TrimSuffix(environment(a.t, "SLIPWAY_API_URL"), "/v2")
	request, err := http.NewRequest(method, base+"/_sandbox/"+what, bytes.NewReader(sent))
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+environment(a.t, "VULTR_API_KEY"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		a.t.Fatalf("%s %s: %d %s %v", method, what, response.StatusCode, answer, err)
	}
	return answer
}

// order puts a fault into the sandbox until the test ends.
func (a *account) order(fault map[string]any) {
	a.t.Helper()
	a.control(http.MethodPost, "faults", fault)
	a.t.Cleanup(func() { a.control(http.MethodDelete, "faults", nil) })
}

// frozen runs a part of a test while no time passes in the account.
func (a *account) frozen(body func()) {
	a.t.Helper()
	var before struct {
		Mode  string  `json:"mode"`
		Speed float64 `json:"speed"`
	}
	if err := json.Unmarshal(a.control(http.MethodGet, "clock", nil), &before); err != nil {
		a.t.Fatal(err)
	}
	a.control(http.MethodPost, "clock", map[string]any{"mode": "stepped"})
	defer a.control(http.MethodPost, "clock", before)
	body()
}
