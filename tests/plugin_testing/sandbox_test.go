package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// provider is installed by `init` from the mirror that TF_CLI_CONFIG_FILE names.
var provider = map[string]resource.ExternalProvider{
	"slipway": {Source: "slipway/slipway"},
}

// object is one object of the account, as the API or the sandbox's listing describes it.
type object = map[string]any

// account is the emulated account, looked at past the provider.
type account struct {
	t *testing.T
}

func theAccount(t *testing.T) account {
	t.Helper()
	for _, name := range []string{"SLIPWAY_API_URL", "VULTR_API_KEY", "SLIPWAY_TEST_COMPONENTS", "TF_CLI_CONFIG_FILE", "TF_ACC"} {
		if os.Getenv(name) == "" {
			t.Fatalf("%s is not set: these tests are started by conformance_plugin_testing", name)
		}
	}
	return account{t}
}

// call changes or reads the account as a person at the console would.
func (a account) call(method, path string, body object) object {
	a.t.Helper()
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			a.t.Fatal(err)
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, os.Getenv("SLIPWAY_API_URL")+path, sent)
	if err != nil {
		a.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("VULTR_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	if response.StatusCode >= 300 {
		a.t.Fatalf("%s %s: %s: %s", method, path, response.Status, text)
	}
	answer := object{}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			a.t.Fatalf("%s %s: %v: %s", method, path, err, text)
		}
	}
	return answer
}

// cluster finds the account's cluster of that label.
func (a account) cluster(label string) object {
	a.t.Helper()
	return a.labelled(a.call("GET", "/v2/kubernetes/clusters", nil)["vke_clusters"], label)
}

// pool finds a node pool of a cluster by its label.
func (a account) pool(cluster, label string) object {
	a.t.Helper()
	return a.labelled(a.cluster(cluster)["node_pools"], label)
}

func (a account) labelled(list any, label string) object {
	a.t.Helper()
	objects, _ := list.([]any)
	for _, entry := range objects {
		if found, ok := entry.(object); ok && found["label"] == label {
			return found
		}
	}
	a.t.Fatalf("nothing is labelled %q in %v", label, list)
	return nil
}

// nothingLeft is the check after destroy: whatever carries the platform's name must be gone from the account.
func (a account) nothingLeft(platform string) func(*terraform.State) error {
	return func(*terraform.State) error {
		listing := a.call("GET", "/_sandbox/snapshot", nil)
		objects, ok := listing["objects"].([]any)
		if !ok {
			return fmt.Errorf("the sandbox lists no objects: %v", listing)
		}
		for _, entry := range objects {
			text, err := json.Marshal(entry)
			if err != nil {
				return err
			}
			if bytes.Contains(text, []byte(platform)) {
				return fmt.Errorf("left behind: %s", text)
			}
		}
		return nil
	}
}
