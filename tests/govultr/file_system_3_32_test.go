//go:build govultr332

package conformance

import (
	"testing"

	"github.com/vultr/govultr/v3"
)

// TestVirtualFileSystem: one file system comes without a key around it. The newest version cannot read that: it takes the
// top level's `status` for an error's number.
func TestVirtualFileSystem(t *testing.T) {
	a := open(t)
	size := govultr.VirtualFileSystemStorageSize{SizeGB: 10}
	made, _, err := a.VirtualFileSystemStorage.Create(a.ctx, &govultr.VirtualFileSystemStorageReq{
		Region: region, Label: a.label(), StorageSize: size, Tags: []string{"one"},
	})
	a.must(err)
	a.answered(202)
	if made.ID == "" || made.Status != "pending" || made.StorageSize.SizeGB != 10 || made.Billing.Monthly != 1 {
		t.Errorf("a new file system: %+v", made)
	}
	host := a.newInstance(&govultr.InstanceCreateReq{})
	held, _, err := a.VirtualFileSystemStorage.Attach(a.ctx, made.ID, host.ID)
	a.must(err)
	if held.ID != made.ID || held.TargetID != host.ID || held.State == "" {
		t.Errorf("an attachment: %+v", held)
	}
	all, _, err := a.VirtualFileSystemStorage.AttachmentList(a.ctx, made.ID)
	a.must(err)
	if len(all) != 1 {
		t.Errorf("attachments: %+v", all)
	}
	a.must(a.VirtualFileSystemStorage.Detach(a.ctx, made.ID, host.ID))
	a.answered(204)
	grown, _, err := a.VirtualFileSystemStorage.Update(a.ctx, made.ID, &govultr.VirtualFileSystemStorageUpdateReq{
		StorageSize: govultr.VirtualFileSystemStorageSize{SizeGB: 20},
	})
	a.must(err)
	if grown.StorageSize.SizeGB != 20 {
		t.Errorf("a grown file system: %+v", grown)
	}
	list, meta, _, err := a.VirtualFileSystemStorage.List(a.ctx, &govultr.ListOptions{PerPage: 500})
	a.must(err)
	a.wire.whole("vfs", govultr.VirtualFileSystemStorage{})
	if meta.Total != len(list) || len(list) == 0 {
		t.Errorf("file systems: %+v", list)
	}
	a.must(a.VirtualFileSystemStorage.Delete(a.ctx, made.ID))
	a.answered(204)
	_, _, err = a.VirtualFileSystemStorage.Get(a.ctx, made.ID)
	a.refused(err, 404, "Subscription ID Not Found")
	a.until("deleted instance", func() bool { return a.Instance.Delete(a.ctx, host.ID) == nil })
}
