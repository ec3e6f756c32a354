package conformance

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vultr/govultr/v3"
)

// Where and with what the tests make things. The sandbox has the same catalogue in every run.
const (
	region = "ams"
	plan   = "vc2-2c-4gb"
	small  = "vc2-1c-2gb"
	debian = 2136
)

// patience bounds every wait; an accelerated sandbox needs a second of it.
const patience = 60 * time.Second

// account is a client of the sandbox that watches what goes over the wire.
type account struct {
	*govultr.Client
	t    *testing.T
	ctx  context.Context
	wire *wire
}

func open(t *testing.T) *account {
	t.Helper()
	return openWith(t, environment(t, "VULTR_API_KEY"))
}

func openWith(t *testing.T, key string) *account {
	t.Helper()
	wire := &wire{t: t, key: key}
	client := govultr.NewClient(&http.Client{Transport: wire, Timeout: 30 * time.Second})
	if err := client.SetBaseURL(environment(t, "SLIPWAY_API_URL")); err != nil {
		t.Fatal(err)
	}
	client.SetRateLimit(60 * time.Millisecond)
	return &account{Client: client, t: t, ctx: t.Context(), wire: wire}
}

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: start a sandbox and export what `slipway-sandbox up` prints", name)
	}
	return value
}

// label gives a name that no other test and no earlier run has.
func (a *account) label() string {
	bytes := make([]byte, 4)
	if _, err := rand.Read(bytes); err != nil {
		a.t.Fatal(err)
	}
	return "conformance-" + hex.EncodeToString(bytes)
}

// must ends the test when a call that has to work did not.
func (a *account) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatalf("%s: %v", a.wire.last(), err)
	}
}

// until waits for a condition of the account, which moves on behind its answers.
func (a *account) until(what string, holds func() bool) {
	a.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
		if time.Now().After(end) {
			a.t.Fatalf("%s did not come to be within %s; last: %s", what, patience, a.wire.last().body)
		}
	}
}

// refused checks that the last call was refused with a status and Vultr's words, and that the client tells them in its
// own manner.
func (a *account) refused(err error, status int, text string) {
	a.t.Helper()
	a.refusedLike(err, status, func(got string) bool { return got == text }, text)
}

// refusedWith is refused where only a part of the words is settled.
func (a *account) refusedWith(err error, status int, part string) {
	a.t.Helper()
	a.refusedLike(err, status, func(got string) bool { return strings.Contains(got, part) }, "…"+part+"…")
}

func (a *account) refusedLike(err error, status int, fits func(string) bool, wanted string) {
	a.t.Helper()
	last := a.wire.last()
	if err == nil {
		a.t.Fatalf("%s was answered with %d instead of %d %q", last, last.status, status, wanted)
	}
	text := last.refusal(a.t)
	if last.status != status || !fits(text) {
		a.t.Errorf("%s was refused with %d %q instead of %d %q", last, last.status, text, status, wanted)
	}
	if told := errorText(text, last.status); err.Error() != told {
		a.t.Errorf("govultr says %q for %s instead of %q", err, last, told)
	}
}

// answered checks the status of the last call.
func (a *account) answered(status int) {
	a.t.Helper()
	if last := a.wire.last(); last.status != status {
		a.t.Errorf("%s was answered with %d instead of %d", last, last.status, status)
	}
}
