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

// TestPageSizes checks how many objects a page holds when nobody says, and that 500 is the most.
func TestPageSizes(t *testing.T) {
	a := open(t)
	const made = 502
	var ids []string
	for range made {
		key, _, err := a.SSHKey.Create(a.ctx, &govultr.SSHKeyReq{Name: a.label(), SSHKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4nQ9wQeDk0e4d0mC1v1v3f5QmRr9n1s2t3u4v5w6x7"})
		a.must(err)
		ids = append(ids, key.ID)
	}
	for perPage, expected := range map[int]int{0: 100, 500: 500} {
		keys, meta, _, err := a.SSHKey.List(a.ctx, &govultr.ListOptions{PerPage: perPage})
		a.must(err)
		if len(keys) != expected || meta.Links.Next == "" || meta.Total < made {
			t.Errorf("%d keys of %d with per_page=%d, expected %d and a next page", len(keys), meta.Total, perPage, expected)
		}
	}
	for _, id := range ids {
		a.must(a.SSHKey.Delete(a.ctx, id))
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
