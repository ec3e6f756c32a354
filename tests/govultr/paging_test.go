package conformance

import (
	"testing"

	"github.com/vultr/govultr/v3"
)

// TestPaging walks a listing in pages of every size that matters and counts each object once.
func TestPaging(t *testing.T) {
	a := open(t)
	const made = 7
	mine := map[string]int{}
	for range made {
		mine[a.newVPC("", 0).ID] = 0
	}
	for _, perPage := range []int{1, 3, 25, 500} {
		seen, pages := map[string]int{}, 0
		options := govultr.ListOptions{PerPage: perPage}
		for {
			vpcs, meta, _, err := a.VPC.List(a.ctx, &options)
			a.must(err)
			pages++
			if meta == nil || meta.Links == nil {
				t.Fatalf("no meta or no links in %s", a.wire.last().body)
			}
			if meta.Total < made {
				t.Errorf("the total is %d with %d objects of this test alone", meta.Total, made)
			}
			if len(vpcs) > perPage || (meta.Links.Next != "" && len(vpcs) != perPage) {
				t.Errorf("page %d of %d holds %d objects", pages, perPage, len(vpcs))
			}
			if (pages == 1) != (meta.Links.Prev == "") {
				t.Errorf("page %d has the predecessor %q", pages, meta.Links.Prev)
			}
			for _, vpc := range vpcs {
				seen[vpc.ID]++
			}
			if meta.Links.Next == "" {
				if meta.Total != len(seen) {
					t.Errorf("%d objects on all pages of %d, total %d", len(seen), perPage, meta.Total)
				}
				break
			}
			options.Cursor = meta.Links.Next
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s is listed %d times in pages of %d", id, times, perPage)
			}
		}
		for id := range mine {
			if seen[id] != 1 {
				t.Errorf("%s is missing in pages of %d", id, perPage)
			}
		}
	}
	for id := range mine {
		a.removeVPC(id)
	}
}

// TestPageSizes checks the size that is used when none or too great a one is asked for.
func TestPageSizes(t *testing.T) {
	a := openWith(t, "no-key-at-all")
	_, meta, _, err := a.Plan.List(a.ctx, "", &govultr.ListOptions{PerPage: 1})
	a.must(err)
	all := meta.Total
	for perPage, expected := range map[int]int{0: min(all, 100), 500: min(all, 500), 1: 1} {
		plans, _, _, err := a.Plan.List(a.ctx, "", &govultr.ListOptions{PerPage: perPage})
		a.must(err)
		if len(plans) != expected {
			t.Errorf("%d plans with per_page=%d, expected %d", len(plans), perPage, expected)
		}
	}
}

// TestEmptyList checks that nothing is spelled as an empty list with all of its meta.
func TestEmptyList(t *testing.T) {
	a := open(t)
	instances, meta, _, err := a.Instance.List(a.ctx, &govultr.ListOptions{Label: a.label()})
	a.must(err)
	if instances == nil || len(instances) != 0 || meta.Total != 0 {
		t.Errorf("no instances: %+v, %+v", instances, meta)
	}
	if meta.Links == nil || meta.Links.Next != "" || meta.Links.Prev != "" {
		t.Errorf("links of an empty list: %s", a.wire.last().body)
	}
}
