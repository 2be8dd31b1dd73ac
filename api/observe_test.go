package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/api/apitest"
	"aval/domain"
	"aval/ledger"
)

// Canaries: secrets that a request can hold.
const (
	canaryBody  = "Q0FOQVJZLUJPRFk"
	canaryToken = "Q0FOQVJZLVRPS0VO"
	canaryError = "canary-in-an-error"
	canaryPath  = "canary-path"
)

// TestSecretsStayInside sends secrets in every place and looks for them in every place where
// they must not be: log, metrics, and answers.
func TestSecretsStayInside(t *testing.T) {
	h := open(t, nil)
	h.trade()
	good := h.token(h.acme)
	var out strings.Builder
	for _, r := range []request{
		{method: "POST", path: "/v1/commands", body: canaryBody},
		{method: "POST", path: "/v1/commands", body: canaryBody + "." + canaryBody + "." + canaryBody},
		{method: "POST", path: "/v1/commands", body: canaryBody, contentType: "application/" + canaryBody},
		{method: "POST", path: "/v1/commands?wait=" + canaryBody, body: "x"},
		{method: "PUT", path: "/v1/commands", body: canaryBody},
		{path: "/v1/accounts", token: canaryToken},
		{path: "/v1/accounts", token: canaryToken + "." + canaryToken + "." + canaryToken},
		{path: "/v1/accounts", token: strings.Replace(good, ".", "."+canaryToken, 1)},
		{path: "/v1/accounts", token: h.seal(h.acme, canaryToken, map[string]any{canaryToken: canaryToken})},
		{path: "/v1/accounts", token: h.seal(h.acme, "JWT", map[string]any{canaryToken: canaryToken})},
		{path: "/v1/accounts?access_token=" + canaryToken, token: good},
		{path: "/v1/contracts?kind=" + canaryToken + "&status=" + canaryToken, token: good},
		{path: "/v1/contracts/" + canaryPath, token: good},
		{path: "/v1/contracts/cash:1:transfer:" + canaryPath, token: good},
		{path: "/v1/accounts/party:" + canaryPath + "/postings", token: good},
		{path: "/v1/commands/" + canaryPath, token: good},
		{path: "/" + canaryPath + "/" + canaryToken},
		{path: "/v1/events?from=" + canaryToken, token: good},
		{path: "/v1/events", token: good, header: http.Header{"Last-Event-Id": {canaryToken}}},
		{path: "/healthz", header: http.Header{"X-Request-Id": {canaryToken}, "User-Agent": {canaryToken}, "Referer": {canaryToken}}},
	} {
		a := h.do(r)
		fmt.Fprintln(&out, a.body, a.header)
	}
	h.fake.Break(func(context.Context, string) error { return fmt.Errorf("%s: %w", canaryError, errors.New(canaryError)) })
	out.WriteString(h.get("/v1/accounts", h.acme).body)
	h.fake.Break(func(context.Context, string) error { panic(canaryError) })
	out.WriteString(h.get("/v1/accounts", h.acme).body)
	w := httptest.NewRecorder()
	h.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	out.WriteString(w.Body.String())
	if w.Code != http.StatusInternalServerError {
		t.Errorf("a panic on the admin surface: %d", w.Code)
	}
	h.fake.Break(nil)
	for place, text := range map[string]string{"answers": out.String(), "log": h.log.String(), "metrics": h.scrape()} {
		for _, secret := range []string{canaryBody, canaryToken, canaryError, canaryPath, good, "acme", "globex"} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%s hold %q: %.200s", place, secret, text[max(0, i-100):])
			}
		}
	}
	if !strings.Contains(h.log.String(), "*fmt.wrapError *errors.errorString") {
		t.Error("the log does not name the type of the internal error")
	}
}

func TestAccessLineHoldsThePattern(t *testing.T) {
	h := open(t, nil)
	h.trade()
	a := h.get("/v1/contracts/cash:1:transfer:"+id("2"), h.acme)
	line := regexp.MustCompile(`level=INFO msg=request id=(\S+) route=/v1/contracts/:id status=200 duration=\S+\n`)
	eventually(t, "the access line", func() bool { return line.MatchString(h.log.String()) })
	if found := line.FindStringSubmatch(h.log.String()); found[1] != a.header.Get(requestID) {
		t.Errorf("the log names request %s, the answer %s", found[1], a.header.Get(requestID))
	}
	h.get("/nothing/here", nil)
	eventually(t, "a line for an unknown path", func() bool { return strings.Contains(h.log.String(), "route=other status=404") })
}

func TestPanicIsAnInternalError(t *testing.T) {
	h := open(t, nil)
	h.fake.Break(func(context.Context, string) error { panic("boom") })
	if p := decodeProblem(t, h.get("/v1/accounts", h.acme)); p.Code != internal {
		t.Errorf("got %+v", p)
	}
	h.fake.Break(nil)
	if !strings.Contains(h.scrape(), "aval_http_panics_total 1\n") {
		t.Error("the panic was not counted")
	}
	if !strings.Contains(h.log.String(), "api.(*Server).accounts:") {
		t.Errorf("the log does not say where: %s", h.log.String())
	}
	if a := h.get("/v1/accounts", h.acme); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
	if len(h.load.requests) != 0 {
		t.Error("the place among the requests in flight was not given back")
	}
}

// TestLabelsAreClosedSets asks for what is not there, and looks for labels that came from outside.
func TestLabelsAreClosedSets(t *testing.T) {
	h := open(t, nil)
	for i := range 20 {
		h.get(fmt.Sprintf("/made/up/%d", i), nil)
		h.do(request{method: "DELETE", path: fmt.Sprintf("/v1/contracts/a%d", i)})
	}
	undo := h.fault(domain.Refuse("code-of-the-future", "x"))
	h.http.Transport = http.DefaultTransport // the answer is not one of the document
	h.post("x")
	undo()
	text := h.scrape()
	for _, want := range []string{
		`aval_http_requests_total{class="4xx",code="not-found",route="other"} 20`,
		`aval_http_requests_total{class="4xx",code="method-not-allowed",route="/v1/contracts/:id"} 20`,
		`aval_http_requests_total{class="4xx",code="other",route="/v1/commands"} 1`,
		"aval_log_size 0", "aval_ready 1", "aval_http_in_flight 0", "aval_http_streams 0",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(text, "made") {
		t.Error("a path became a label")
	}
}

func TestAdminSurface(t *testing.T) {
	h := open(t, nil)
	for path, status := range map[string]int{
		"/metrics": 200, "/debug/pprof/goroutine": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/goroutine?debug=2": 400,
		"/debug/pprof/heap": 200, "/debug/pprof/cmdline": 404, "/debug/pprof/symbol": 404, "/": 404,
	} {
		w := httptest.NewRecorder()
		h.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != status {
			t.Errorf("%s: got %d, want %d", path, w.Code, status)
		}
	}
	if a := h.get("/metrics", nil); a.status != 404 {
		t.Errorf("metrics on the public surface: %d", a.status)
	}
}

func TestHeaders(t *testing.T) {
	h := open(t, nil)
	h.trade()
	h.fake.Flood("globex", 300)
	for path, cache := range map[string]string{
		"/v1/accounts": "no-store", "/healthz": "no-store", "/openapi.json": "no-cache", "/log/checkpoint": "no-cache", "/nothing": "no-store",
		"/log/tile/0/000": "public, max-age=31536000, immutable", "/log/tile/entries/000": "public, max-age=31536000, immutable",
		"/log/tile/0/001.p/48": "public, max-age=3600", "/log/tile/1/000.p/1": "public, max-age=3600", "/log/tile/0/002": "no-store",
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := h.do(request{method: method, path: path, token: h.token(h.acme)})
			if a.header.Get("Cache-Control") != cache || a.header.Get("X-Content-Type-Options") != "nosniff" || len(a.header.Get(requestID)) < 20 {
				t.Errorf("%s %s: got %d %v", method, path, a.status, a.header)
			}
			if method == http.MethodHead && a.body != "" || method == http.MethodGet && a.body == "" {
				t.Errorf("%s %s: body %.100q", method, path, a.body)
			}
		}
	}
	if one, two := h.get("/healthz", nil), h.get("/healthz", nil); one.header.Get(requestID) == two.header.Get(requestID) {
		t.Error("two requests have one ID")
	}
}

func TestMethodsAndLengths(t *testing.T) {
	h := open(t, nil)
	a := h.do(request{method: http.MethodPut, path: "/v1/commands"})
	if p := decodeProblem(t, a); p.Code != methodNotAllowed || !strings.Contains(a.header.Get("Allow"), "POST") {
		t.Errorf("got %+v, Allow %q", p, a.header.Get("Allow"))
	}
	long := "/healthz?" + strings.Repeat("a", maxURLBytes)
	if p := decodeProblem(t, h.do(request{path: long[:maxURLBytes+1]})); p.Code != urlTooLong {
		t.Errorf("got %+v", p)
	}
	if p := decodeProblem(t, h.do(request{path: long[:maxURLBytes]})); p.Code != domain.Malformed {
		t.Errorf("at the limit: got %+v", p)
	}
	if a := h.do(request{path: "/healthz", header: http.Header{"X": {strings.Repeat("a", maxHeaderBytes+8<<10)}}}); a.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long header: got %d", a.status)
	}
}

func TestReadiness(t *testing.T) {
	h := open(t, nil)
	undo := h.fault(errors.New("why is for the operator"))
	a := h.get("/readyz", nil)
	if p := decodeProblem(t, a); p.Code != unavailable || a.header.Get("Retry-After") == "" || strings.Contains(a.body, "operator") {
		t.Errorf("got %s", a.body)
	}
	if !strings.Contains(h.scrape(), "aval_ready 0\n") {
		t.Error("metrics say ready")
	}
	if h.get("/healthz", nil).status != 200 {
		t.Error("a node that cannot commit is still alive")
	}
	undo()
	undo = h.fault(&ledger.NoSpace{Free: 100 << 20, Reserve: 128 << 20})
	if p := decodeProblem(t, h.get("/readyz", nil)); p.Code != diskFull || p.Detail != "the disk is full: 100 MiB are free, and 128 MiB are kept in reserve" {
		t.Errorf("got %+v", p)
	}
	undo()
	if h.get("/readyz", nil).status != 200 {
		t.Error("not ready again")
	}
}

// TestTilesHashToTheCheckpoint reads the log as a stranger does, with the tools of x/mod.
func TestTilesHashToTheCheckpoint(t *testing.T) {
	h := open(t, nil)
	h.trade()
	h.fake.Flood("globex", 700)
	signed, err := note.Open([]byte(h.get("/log/checkpoint", nil).body), note.VerifierList(h.fake.Verifier()))
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	var root string
	if _, err := fmt.Sscanf(signed.Text, h.fake.Origin()+"\n%d\n%s\n", &size, &root); err != nil {
		t.Fatal(err)
	}
	want, err := base64.StdEncoding.DecodeString(root)
	if err != nil {
		t.Fatal(err)
	}
	stored := []tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	})
	for index := int64(0); index*fullTile < size; index++ {
		width := int(min(fullTile, size-index*fullTile))
		path := formatTilePath(uint64(index), width)
		leaves := []byte(h.get("/log/tile/entries/"+path, nil).body)
		hashes := []byte(h.get("/log/tile/0/"+path, nil).body)
		for i := range width {
			n := int(leaves[0])<<8 | int(leaves[1])
			leaf := leaves[2 : 2+n]
			leaves = leaves[2+n:]
			if hash := tlog.RecordHash(leaf); !bytes.Equal(hash[:], hashes[i*32:i*32+32]) {
				t.Fatalf("leaf %d of tile %d does not hash to the tile", i, index)
			}
			more, err := tlog.StoredHashes(index*fullTile+int64(i), leaf, reader)
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, more...)
		}
	}
	got, err := tlog.TreeHash(size, reader)
	if err != nil || !bytes.Equal(got[:], want) {
		t.Errorf("root %v, %v; the checkpoint says %s", got, err, root)
	}
}

func TestTileOfWrongSizeIsABug(t *testing.T) {
	h := open(t, nil)
	s := New(Config{Ledger: shortTile{h.fake}})
	w := recorded(s, httptest.NewRequest(http.MethodGet, "/log/tile/0/000", nil))
	if w.Code != http.StatusInternalServerError || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

type shortTile struct{ Ledger }

func (shortTile) Tile(int, uint64, int) ([]byte, error) { return make([]byte, 32), nil }

// BenchmarkSubmit measures what the API adds to a submission.
func BenchmarkSubmit(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s := New(Config{Ledger: instant{apitest.New()}})
			body := bytes.Repeat([]byte("a"), size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/v1/commands", bytes.NewReader(body))
				w := discard{header: http.Header{}}
				s.Handler().ServeHTTP(&w, r)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// instant answers at once.
type instant struct{ Ledger }

func (instant) Submit(context.Context, string, []byte, ledger.Wait) (ledger.Reply, error) {
	return ledger.Reply{ID: id("1"), Index: 1, Sequence: 1, BookedAt: 1, Receipt: strings.Repeat("a", 1500)}, nil
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return io.Discard.Write(p) }
