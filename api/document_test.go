package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// document is openapi.json and what was seen of it on the wire.
type document struct {
	root map[string]any
	mu   sync.Mutex
	// answers holds "GET /v1/accounts 200" for every answer that was seen.
	answers map[string]bool
}

func loadDocument(t testing.TB) *document {
	t.Helper()
	value, err := decodeNumbers(openAPIDocument)
	if err != nil {
		t.Fatal(err)
	}
	return &document{root: value.(map[string]any), answers: map[string]bool{}}
}

func decodeNumbers(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var value any
	err := d.Decode(&value)
	return value, err
}

// resolve follows a local reference.
func (d *document) resolve(ref string) any {
	var at any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		object, ok := at.(map[string]any)
		if !ok || object[part] == nil {
			panic("no such reference: " + ref)
		}
		at = object[part]
	}
	return at
}

// deref gives the object itself or the one it refers to.
func (d *document) deref(v any) map[string]any {
	object := v.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		return d.resolve(ref).(map[string]any)
	}
	return object
}

// operation finds the operation of a request, with its path as the document writes it.
func (d *document) operation(method, path string) (string, map[string]any) {
	method = strings.ToLower(method)
	if method == "head" {
		method = "get"
	}
	paths := d.root["paths"].(map[string]any)
	templates := slices.Sorted(maps.Keys(paths))
	slices.SortStableFunc(templates, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	for _, template := range templates {
		if operation, ok := paths[template].(map[string]any)[method]; ok && matches(template, path) {
			return template, operation.(map[string]any)
		}
	}
	return "", nil
}

// matches compares a path with a template. {path} takes the rest.
func matches(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	for i, part := range want {
		switch {
		case part == "{path}":
			return len(got) > i
		case i >= len(got) || !strings.HasPrefix(part, "{") && part != got[i]:
			return false
		}
	}
	return len(want) == len(got)
}

// checked is a transport that holds every answer against the document.
type checked struct {
	t    *testing.T
	doc  *document
	next http.RoundTripper
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	template, operation := c.doc.operation(r.Method, r.URL.EscapedPath())
	if operation == nil || response.StatusCode == http.StatusRequestHeaderFieldsTooLarge || response.StatusCode == http.StatusMethodNotAllowed {
		return response, nil // answers that belong to no operation
	}
	described, ok := operation["responses"].(map[string]any)[strconv.Itoa(response.StatusCode)]
	if !ok {
		c.t.Errorf("%s %s: status %d is not in the document", r.Method, template, response.StatusCode)
		return response, nil
	}
	c.doc.mu.Lock()
	c.doc.answers[r.Method+" "+template+" "+strconv.Itoa(response.StatusCode)] = true
	c.doc.mu.Unlock()
	if err := c.answer(c.doc.deref(described), r, response); err != nil {
		c.t.Errorf("%s %s %d: %v", r.Method, template, response.StatusCode, err)
	}
	return response, nil
}

// answer checks media type, headers and body. A stream's body is left to its reader.
func (c *checked) answer(described map[string]any, r *http.Request, response *http.Response) error {
	media, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	content, ok := described["content"].(map[string]any)[media].(map[string]any)
	if !ok {
		return fmt.Errorf("media type %s is not in the document", media)
	}
	for name := range described["headers"].(map[string]any) {
		if response.Header.Get(name) == "" {
			return fmt.Errorf("header %s is missing", name)
		}
	}
	if media == "text/event-stream" || r.Method == http.MethodHead {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	var value any = string(body)
	if strings.HasSuffix(media, "json") {
		if value, err = decodeNumbers(body); err != nil {
			return err
		}
	}
	return c.doc.check(content["schema"], value, "body")
}

// documented lists the operations as "GET /v1/contracts/{id}" with their query parameters.
func documented(d *document) map[string][]string {
	all := map[string][]string{}
	for path, item := range d.root["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			query := []string{}
			parameters, _ := operation.(map[string]any)["parameters"].([]any)
			for _, p := range parameters {
				if p := d.deref(p); p["in"] == "query" {
					query = append(query, p["name"].(string))
				}
			}
			slices.Sort(query)
			all[strings.ToUpper(method)+" "+path] = query
		}
	}
	return all
}

// template writes a route's pattern as OpenAPI does.
func template(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		} else if part == "*" {
			parts[i] = "{path}"
		}
	}
	return strings.Join(parts, "/")
}

func TestDocumentAndRoutesAgree(t *testing.T) {
	s := New(Config{Ledger: open(t, nil).fake})
	want := documented(loadDocument(t))
	got := map[string][]string{}
	for _, r := range s.routes() {
		query := slices.Sorted(slices.Values(r.query))
		if query == nil {
			query = []string{}
		}
		got[r.method+" "+template(r.path)] = query
	}
	for name, query := range got {
		if documented, ok := want[name]; !ok || !slices.Equal(documented, query) {
			t.Errorf("route %s with query %v: the document has %v", name, query, documented)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("the document has %s; there is no such route", name)
		}
	}
	for _, r := range s.mount().Routes() {
		if _, ok := want[r.Method+" "+template(r.Path)]; !ok {
			t.Errorf("the router serves %s %s; the document does not have it", r.Method, r.Path)
		}
	}
}

func TestDocumentSaysWhoNeedsAToken(t *testing.T) {
	s, d := New(Config{Ledger: open(t, nil).fake}), loadDocument(t)
	for _, r := range s.routes() {
		_, operation := d.operation(r.method, template(r.path))
		security := operation["security"].([]any)
		if r.public != (len(security) == 0) {
			t.Errorf("%s: public is %v, the document says security %v", r.path, r.public, security)
		}
		for part := range strings.SplitSeq(template(r.path), "/") {
			if name, ok := strings.CutPrefix(part, "{"); ok && !hasPathParameter(d, operation, strings.TrimSuffix(name, "}")) {
				t.Errorf("%s: path parameter %s is not in the document", r.path, name)
			}
		}
	}
}

func hasPathParameter(d *document, operation map[string]any, name string) bool {
	return slices.ContainsFunc(operation["parameters"].([]any), func(p any) bool {
		p = d.deref(p)
		return p.(map[string]any)["in"] == "path" && p.(map[string]any)["name"] == name
	})
}

func TestDocumentListsTheCodes(t *testing.T) {
	var want []string
	for code := range answers {
		want = append(want, string(code))
	}
	var got []string
	for _, code := range loadDocument(t).resolve("#/components/schemas/Code").(map[string]any)["enum"].([]any) {
		got = append(got, code.(string))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("codes in the table %v, in the document %v", want, got)
	}
	for code, a := range answers {
		if _, ok := loadDocument(t).root["paths"].(map[string]any)["/v1/commands"].(map[string]any)["post"].(map[string]any)["responses"].(map[string]any)[strconv.Itoa(a.status)]; !ok &&
			!slices.Contains([]domain.Code{unauthorized, methodNotAllowed, tooManyStreams}, code) {
			t.Errorf("%s: status %d is not among the answers to a command", code, a.status)
		}
	}
}

func TestExamplesObeyTheirSchemas(t *testing.T) {
	d := loadDocument(t)
	count := 0
	var walk func(v any, at string)
	walk = func(v any, at string) {
		switch v := v.(type) {
		case []any:
			for i, item := range v {
				walk(item, at+"/"+strconv.Itoa(i))
			}
		case map[string]any:
			if schema, ok := v["schema"]; ok && v["example"] != nil {
				count++
				if err := d.check(schema, v["example"], at); err != nil {
					t.Error(err)
				}
			}
			if examples, ok := v["examples"].([]any); ok {
				for _, example := range examples {
					count++
					if err := d.check(v, example, at); err != nil {
						t.Error(err)
					}
				}
			}
			for name, member := range v {
				if name != "example" && name != "examples" {
					walk(member, at+"/"+name)
				}
			}
		}
	}
	walk(d.root, "#")
	if count < 40 {
		t.Errorf("only %d examples found", count)
	}
}

// TestEveryDocumentedAnswerIsGiven drives each operation to each of its answers. The
// transport checks every one against its schema.
func TestEveryDocumentedAnswerIsGiven(t *testing.T) {
	h := open(t, func(l *limits) { l.inFlight, l.partyStreams = 8, 1 })
	h.trade()
	h.succeed()
	h.failAlike()
	h.failApart()
	for name := range documented(h.seen) {
		method, path, _ := strings.Cut(name, " ")
		_, operation := h.seen.operation(method, path)
		for status := range operation["responses"].(map[string]any) {
			if !h.seen.answers[name+" "+status] {
				t.Errorf("%s %s was never given", name, status)
			}
		}
	}
}

// examplePaths has one good request for each operation.
func examplePaths() map[string]string {
	return map[string]string{
		"POST /v1/commands":               "/v1/commands",
		"GET /v1/commands/{id}":           "/v1/commands/" + id("2"),
		"POST /v1/epcis/capture":          "/v1/epcis/capture",
		"GET /v1/contracts":               "/v1/contracts?kind=cash/1&status=done&limit=1",
		"GET /v1/contracts/{id}":          "/v1/contracts/cash:1:transfer:" + id("2"),
		"GET /v1/contracts/{id}/events":   "/v1/contracts/cash:1:transfer:" + id("2") + "/events?from=0&limit=1",
		"GET /v1/accounts":                "/v1/accounts",
		"GET /v1/accounts/{id}":           "/v1/accounts/party:acme?asOf=2",
		"GET /v1/accounts/{id}/postings":  "/v1/accounts/party:acme/postings?limit=1",
		"GET /v1/accounts/{id}/statement": "/v1/accounts/party:acme/statement?limit=1",
		"GET /v1/trial-balance":           "/v1/trial-balance?asOf=2",
		"GET /v1/events":                  "/v1/events?from=0",
		"GET /v1/receipts/{index}":        "/v1/receipts/2",
		"GET /v1/reads":                   "/v1/reads?limit=1",
		"GET /v1/private/{digest}":        "/v1/private/" + envelope.Digest(privateDisclosure),
		"GET /v1/governance":              "/v1/governance",
		"GET /v1/attestation":             "/v1/attestation?nonce=00112233445566778899aabbccddeeff",
		"GET /log/checkpoint":             "/log/checkpoint",
		"GET /log/policy":                 "/log/policy",
		"GET /log/tile/{level}/{path}":    "/log/tile/0/000.p/4",
		"GET /log/tile/entries/{path}":    "/log/tile/entries/000.p/4",
		"GET /openapi.json":               "/openapi.json",
		"GET /healthz":                    "/healthz",
		"GET /readyz":                     "/readyz",
	}
}

// succeed makes the good request of every operation.
func (h *house) succeed() {
	for name, path := range examplePaths() {
		switch name {
		case "POST /v1/commands":
			again := h.command(h.acme, "3", "issue", `{"to":"acme","amount":{"minor":1,"currency":"EUR"}}`)
			h.want(200, request{method: http.MethodPost, path: path, body: again})
			h.want(200, request{method: http.MethodPost, path: path + "?wait=witnessed", body: h.command(h.acme, "8", "issue", `{"to":"acme","amount":{"minor":1,"currency":"EUR"}}`)})
			h.want(202, request{method: http.MethodPost, path: path + "?wait=accepted", body: h.command(h.acme, "4", "issue", `{"to":"acme","amount":{"minor":1,"currency":"EUR"}}`)})
		case "POST /v1/epcis/capture":
			sensor := h.fake.Enrol(domain.DeviceHolder, "system")
			h.want(200, request{method: http.MethodPost, path: path, body: h.capture(h.acme, "S-1")})
			h.want(200, request{method: http.MethodPost, path: path, body: h.capture(sensor, "S-1")})
			h.want(200, request{method: http.MethodPost, path: path + "?wait=witnessed", body: h.capture(sensor, "S-1")})
		case "GET /v1/events":
			h.stream(path, h.acme).close()
		default:
			h.want(200, request{path: path, token: h.token(h.acme)})
		}
	}
}

// failAlike makes the faults that the operations have in common.
func (h *house) failAlike() {
	for name, path := range examplePaths() {
		method, _, _ := strings.Cut(name, " ")
		bare, _, _ := strings.Cut(path, "?")
		r := request{method: method, path: path, token: h.token(h.acme), body: h.command(h.acme, "2", "issue", `{}`)}
		_, operation := h.seen.operation(method, bare)
		given := operation["responses"].(map[string]any)
		for status, change := range map[string]func(*request) (undo func()){
			"400": func(r *request) func() { r.path = bare + "?unknown=1"; return func() {} },
			"414": func(r *request) func() {
				r.path = bare + "?limit=" + strings.Repeat("1", maxURLBytes)
				return func() {}
			},
			"401": func(r *request) func() { r.token = ""; return func() {} },
			"500": func(*request) func() { return h.fault(fmt.Errorf("disk on fire")) },
			"429": func(*request) func() { return h.occupy() },
			"503": func(*request) func() { return h.fault(ledger.ErrClosed) },
			"507": func(*request) func() { return h.fault(ledger.ErrFull) },
		} {
			if given[status] == nil {
				continue
			}
			changed := r
			undo := change(&changed)
			if path == "/readyz" && status == "503" {
				undo()
				undo = h.fault(fmt.Errorf("no"))
			}
			want, _ := strconv.Atoi(status)
			h.want(want, changed)
			undo()
		}
	}
}

// failApart makes the other faults.
func (h *house) failApart() {
	const commands = "/v1/commands"
	post := func(status int, r request) {
		r.method, r.path = http.MethodPost, commands
		h.want(status, r)
	}
	post(403, request{body: h.command(h.fake.Enrol(domain.DeviceHolder, "sensor"), "5", "issue", `{}`)})
	post(404, request{body: h.command(h.acme, "6", "refuse", `{"code":"not-found"}`)})
	post(409, request{body: h.command(h.acme, "2", "transfer", `{}`)})
	post(413, request{body: strings.Repeat("a", maxBodyBytes+1)})
	post(415, request{body: "a", contentType: "application/json"})
	post(422, request{body: h.command(h.acme, "7", "transfer", `{"to":"globex","amount":{"minor":999999999,"currency":"EUR"}}`)})
	undo := h.fault(newProblem(requestTimeout, "")) // the real one: TestSlowBodyIsCutOff
	post(408, request{body: "a"})
	undo()
	undo = h.fault(ledger.ErrFull)
	post(507, request{body: "a"})
	h.want(507, request{path: "/readyz"})
	undo()
	undo = h.fault(newProblem(outcomeUnknown, "")) // the real one: TestWaitIsBounded
	post(504, request{body: "a"})
	undo()
	h.failCaptures()
	for _, path := range []string{"/v1/contracts", "/v1/accounts", "/v1/trial-balance", "/v1/events", "/v1/reads", "/v1/governance"} {
		h.want(404, request{path: path + "?as=globex", token: h.token(h.acme)})
	}
	for _, path := range []string{
		"/v1/commands/" + id("99"), "/v1/contracts/cash:1:transfer:none", "/v1/contracts/cash:1:transfer:none/events",
		"/v1/accounts/party:globex/postings", "/v1/accounts/party:globex", "/v1/accounts/party:globex/statement", "/v1/receipts/1", "/v1/private/" + envelope.Digest(nil), "/log/tile/0/001", "/log/tile/entries/001",
	} {
		h.want(404, request{path: path, token: h.token(h.acme)})
	}
	for _, path := range []string{
		"/v1/contracts/cash:1:transfer:" + id("2") + "?asOf=999", "/v1/accounts/party:acme?asOf=999", "/v1/trial-balance?asOf=999",
	} {
		h.want(422, request{path: path, token: h.token(h.acme)})
	}
	undo = h.fault(domain.Refuse(domain.LimitExceeded, "too far back"))
	h.want(422, request{path: "/v1/accounts/party:acme/statement", token: h.token(h.acme)})
	undo()
	undo = h.fault(domain.Refuse(domain.NotFound, "there is no checkpoint yet"))
	h.want(404, request{path: "/log/checkpoint"})
	undo()
	h.Server.quote = nil
	h.want(404, request{path: examplePaths()["GET /v1/attestation"]})
	open := h.stream("/v1/events", h.acme)
	h.want(429, request{path: "/v1/events", token: h.token(h.acme)})
	open.close()
}

// failCaptures makes the faults of a capture that those of a command do not make.
func (h *house) failCaptures() {
	sensor := h.fake.Enrol(domain.DeviceHolder, "scanner")
	for status, r := range map[int]request{
		403: {body: h.capture(h.fake.Enrol(domain.SourceHolder, "poller"), "S-1")},
		404: {body: h.capture(sensor, "not-found")},
		409: {body: h.capture(sensor, "wrong-state")},
		413: {body: strings.Repeat("a", maxBodyBytes+1)},
		415: {body: "a", contentType: "application/ld+json"},
		422: {body: h.capture(sensor, "not-evidence")},
	} {
		r.method, r.path = http.MethodPost, "/v1/epcis/capture"
		h.want(status, r)
	}
	h.want(400, request{method: http.MethodPost, path: "/v1/epcis/capture?wait=accepted", body: h.capture(sensor, "S-1")})
	for status, fault := range map[int]error{408: newProblem(requestTimeout, ""), 504: newProblem(outcomeUnknown, ""), 507: ledger.ErrFull} {
		undo := h.fault(fault)
		h.want(status, request{method: http.MethodPost, path: "/v1/epcis/capture", body: "a"})
		undo()
	}
}

// capture signs a document about a shipment.
func (h *house) capture(s *envelope.Signer, subject string) string {
	h.Helper()
	raw, err := envelope.Seal(s, captureType, map[string]string{"subject": subject})
	if err != nil {
		h.Fatal(err)
	}
	return string(raw)
}

func (h *house) want(status int, r request) answered {
	h.Helper()
	a := h.do(r)
	if a.status != status {
		h.Errorf("%s %s: got %d %.200s, want %d", r.method, r.path, a.status, a.body, status)
	}
	return a
}

func TestQueryDefaultsAreDocumented(t *testing.T) {
	d := loadDocument(t)
	limit := d.resolve("#/components/parameters/Limit").(map[string]any)["schema"].(map[string]any)
	if whole(limit["default"]) != defaultPage || whole(limit["maximum"]) != maxPage {
		t.Errorf("limit is documented as %v", limit)
	}
	if !strings.Contains(answers[urlTooLong].detail, strconv.Itoa(maxURLBytes)) {
		t.Errorf("the detail names another limit than %d", maxURLBytes)
	}
	if _, err := url.Parse(newProblem(internal, "").Type); err != nil {
		t.Error(err)
	}
}
