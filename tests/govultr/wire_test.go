package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// exchange is one request and its answer as they went over the wire.
type exchange struct {
	method, path, query string
	sent                []byte
	status              int
	body                []byte
}

func (e exchange) String() string {
	return e.method + " " + e.path
}

// wire sends requests, keeps their exchanges and holds every answer against the form that all of them have.
type wire struct {
	t         *testing.T
	key       string
	mutex     sync.Mutex
	exchanges []exchange
}

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+w.key)
	var sent []byte
	if request.Body != nil {
		var err error
		if sent, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
		request.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	done := exchange{request.Method, request.URL.Path, request.URL.RawQuery, sent, response.StatusCode, body}
	w.keep(done)
	w.checkForm(done, response)
	return response, nil
}

func (w *wire) keep(done exchange) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.exchanges = append(w.exchanges, done)
}

func (w *wire) last() exchange {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.exchanges) == 0 {
		return exchange{method: "no", path: "request"}
	}
	return w.exchanges[len(w.exchanges)-1]
}

func (w *wire) count() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return len(w.exchanges)
}

// checkForm checks what govultr from 3.33.2 on depends on without saying so: an answer of another content type, or of
// unknown length, is an empty object there, and no error.
func (w *wire) checkForm(done exchange, response *http.Response) {
	w.t.Helper()
	if len(response.TransferEncoding) > 0 || response.ContentLength < 0 {
		w.t.Errorf("%s: the answer does not tell its length", done)
	}
	switch {
	case done.status == http.StatusNoContent:
		if len(done.body) > 0 {
			w.t.Errorf("%s: 204 with a body: %s", done, done.body)
		}
	case len(done.body) == 0:
	case response.Header.Get("Content-Type") != "application/json":
		w.t.Errorf("%s: content type %q", done, response.Header.Get("Content-Type"))
	case !json.Valid(done.body):
		w.t.Errorf("%s: the body is not JSON: %s", done, done.body)
	}
}

// refusal gives the words of an error answer and checks its form to the byte.
func (e exchange) refusal(t *testing.T) string {
	t.Helper()
	var body struct {
		Error  string `json:"error"`
		Status int    `json:"status"`
	}
	if err := json.Unmarshal(e.body, &body); err != nil {
		t.Fatalf("%s: the refusal is not Vultr's: %s", e, e.body)
	}
	if exact := fmt.Sprintf(`{"error":%s,"status":%d}`, quoted(body.Error), e.status); string(e.body) != exact {
		t.Errorf("%s: the refusal is %s instead of %s", e, e.body, exact)
	}
	return body.Error
}

func quoted(text string) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text)
	return strings.TrimSpace(buffer.String())
}

// whole checks that the last answer holds, under a key, every field that govultr reads into a value of this type. Its
// decoder would silently leave zeros for what is missing.
func (w *wire) whole(key string, value any) {
	w.t.Helper()
	last := w.last()
	var body map[string]any
	if err := json.Unmarshal(last.body, &body); err != nil {
		w.t.Fatalf("%s: %v: %s", last, err, last.body)
	}
	got, found := body[key]
	if !found {
		w.t.Fatalf("%s: no %q in %s", last, key, last.body)
	}
	kind := reflect.TypeOf(value)
	if list, isList := got.([]any); isList && kind.Kind() != reflect.Slice {
		if len(list) == 0 {
			w.t.Errorf("%s: %q is empty, so nothing can be said of its fields", last, key)
		}
		kind = reflect.SliceOf(kind)
	}
	for _, fault := range missing(key, got, kind) {
		w.t.Errorf("%s: %s", last, fault)
	}
}

// missing lists what a decoded JSON value lacks of a Go type. Fields that the client may omit itself may be absent.
func missing(path string, got any, kind reflect.Type) []string {
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if got == nil {
		return []string{path + " is null"}
	}
	var faults []string
	switch kind.Kind() {
	case reflect.Slice:
		list, isList := got.([]any)
		if !isList {
			return []string{path + " is no list"}
		}
		for at, element := range list {
			faults = append(faults, missing(fmt.Sprintf("%s[%d]", path, at), element, kind.Elem())...)
		}
	case reflect.Struct:
		object, isObject := got.(map[string]any)
		if !isObject {
			return []string{path + " is no object"}
		}
		for _, field := range reflect.VisibleFields(kind) {
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			value, found := object[name]
			switch {
			case name == "" || name == "-":
			case found:
				faults = append(faults, missing(path+"."+name, value, field.Type)...)
			case !strings.Contains(options, "omitempty"):
				faults = append(faults, path+"."+name+" is missing")
			}
		}
	case reflect.Map:
		if _, isObject := got.(map[string]any); !isObject {
			faults = append(faults, path+" is no map")
		}
	}
	return faults
}
