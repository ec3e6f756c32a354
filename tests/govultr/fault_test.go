package conformance

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/vultr/govultr/v3"
)

// attempts is how often govultr sends a call that fails.
const attempts = 4

func failure(status, times int) map[string]any {
	return map[string]any{"method": "GET", "path": "/v2/account", "times": times, "action": map[string]any{"status": status}}
}

func TestFailuresThatPass(t *testing.T) {
	for _, status := range []int{429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			a := open(t)
			a.order(failure(status, attempts-1))
			_, _, err := a.Account.Get(a.ctx)
			a.must(err)
			if a.wire.count() != attempts {
				t.Errorf("%d attempts", a.wire.count())
			}
		})
	}
}

func TestFailuresThatStay(t *testing.T) {
	for status, text := range map[int]string{429: "rate limit exceeded", 500: "Internal server error."} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			a := open(t)
			a.order(failure(status, attempts))
			_, _, err := a.Account.Get(a.ctx)
			got := a.wire.last().refusal(t)
			if !strings.Contains(got, text) {
				t.Errorf("%d is worded %q without %q", status, got, text)
			}
			told := fmt.Sprintf("gave up after %d attempts, last error: %q", attempts, a.wire.last().body)
			if err == nil || !strings.HasSuffix(err.Error(), told) {
				t.Errorf("govultr says %v instead of %s", err, told)
			}
		})
	}
}

// TestRetriedCreationDoubles shows the trap for which Slipway's own client never repeats a POST: govultr does.
func TestRetriedCreationDoubles(t *testing.T) {
	a := open(t)
	label := a.label()
	a.order(map[string]any{"method": "POST", "path": "/v2/vpcs", "times": 1, "action": map[string]any{"status": 500, "after": true}})
	_, _, err := a.VPC.Create(a.ctx, &govultr.VPCReq{Region: region, Description: label})
	a.must(err)
	vpcs, _, _, err := a.VPC.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	doubles := 0
	for _, vpc := range vpcs {
		if vpc.Description == label {
			doubles++
			a.removeVPC(vpc.ID)
		}
	}
	if doubles != 2 {
		t.Errorf("a creation that was answered with 500 after its effect and then repeated made %d objects", doubles)
	}
}

func TestSoldOutPlan(t *testing.T) {
	a := open(t)
	a.order(map[string]any{"sold_out": []string{small}})
	stock, _, err := a.Region.Availability(a.ctx, region, "")
	a.must(err)
	for _, one := range stock.AvailablePlans {
		if one == small {
			t.Errorf("%s is sold out and in stock", small)
		}
	}
	_, _, err = a.Instance.Create(a.ctx, &govultr.InstanceCreateReq{Region: region, Plan: small, OsID: debian})
	a.refusedWith(err, 400, "")
}

func TestUnknownMethod(t *testing.T) {
	a := open(t)
	request, err := a.NewRequest(a.ctx, http.MethodPatch, "/v2/vpcs/"+unknown, map[string]string{"description": "x"})
	a.must(err)
	_, err = a.DoWithContext(a.ctx, request, nil)
	a.refusedWith(err, 405, "Must be one of: DELETE, GET, PUT")
}
