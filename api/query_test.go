package api

import (
	"errors"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"aval/api/apitest"
	"aval/domain"
	"aval/ledger"
)

func TestParameters(t *testing.T) {
	h := open(t, nil)
	h.trade()
	record := "/v1/contracts/cash:1:transfer:" + id("2")
	long := strings.Repeat("a", 65)
	for path, status := range map[string]int{
		"/v1/contracts":  200,
		"/v1/contracts?": 200,
		"/v1/contracts?kind=&status=&cursor=&limit=":                    200,
		"/v1/contracts?limit=1":                                         200,
		"/v1/contracts?limit=1000":                                      200,
		"/v1/contracts?limit=0":                                         400,
		"/v1/contracts?limit=1001":                                      400,
		"/v1/contracts?limit=-1":                                        400,
		"/v1/contracts?limit=01":                                        400,
		"/v1/contracts?limit=%2B1":                                      400,
		"/v1/contracts?limit=1&limit=1":                                 400,
		"/v1/contracts?Limit=1":                                         400,
		"/v1/contracts?kind=cash%2F1":                                   200,
		"/v1/contracts?kind=cash":                                       400,
		"/v1/contracts?kind=CASH/1":                                     400,
		"/v1/contracts?status=" + long:                                  400,
		"/v1/contracts?status=a%20b":                                    400,
		"/v1/contracts?cursor=nonsense":                                 400,
		"/v1/contracts?cursor=" + strings.Repeat("1", maxCursorBytes+1): 400,
		"/v1/contracts?limit=1;kind=cash/1":                             400,
		"/v1/contracts?limit=%zz":                                       400,
		"/v1/contracts?access_token=abc":                                400,
		record:                                                          200,
		record + "?kind=cash/1":                                         400,
		strings.ReplaceAll(record, ":", "%3A"):                          200,
		"/v1/contracts/cash:1":                                          400,
		"/v1/contracts/cash:1:transfer":                                 400,
		"/v1/contracts/cash%2F1%2Ftransfer%2F" + id("2"):                400,
		"/v1/contracts/cash:1:a:b:c:d:e":                                400,
		record + "/events?from=9007199254740991":                        200,
		record + "/events?from=9007199254740992":                        400,
		record + "/events?from=x":                                       400,
		record + "/events?limit=1001":                                   400,
		"/v1/contracts/x/events":                                        400,
		"/v1/accounts?limit=1":                                          400,
		"/v1/accounts/party:acme/postings":                              200,
		"/v1/accounts/party%2Facme/postings":                            200,
		"/v1/accounts/party%2facme/postings":                            200,
		"/v1/accounts/party%3Aacme/postings":                            200,
		"/v1/accounts/party/acme/postings":                              404,
		"/v1/accounts/party%252Facme/postings":                          400,
		"/v1/accounts/wallet:acme/postings":                             400,
		"/v1/accounts/acme/postings":                                    400,
		"/v1/accounts/escrow:cash:1:a:b/postings":                       404,
		"/v1/accounts/party:acme/postings?from=-1":                      400,
		"/v1/accounts/party:acme/postings?limit=0":                      400,
		"/v1/accounts/party:acme":                                       200,
		"/v1/accounts/party%2Facme?asOf=1":                              200,
		"/v1/accounts/party:acme?asOf=01":                               400,
		"/v1/accounts/party:acme?asOf=yesterday":                        400,
		"/v1/accounts/party:acme?from=1":                                400,
		"/v1/accounts/party:globex":                                     404,
		"/v1/accounts/party:nobody":                                     404,
		"/v1/accounts/acme":                                             400,
		"/v1/accounts/party:acme/statement":                             200,
		"/v1/accounts/party:acme/statement?from=2026-01-01&to=2026-02-01T00:00:00Z&currency=EUR": 200,
		"/v1/accounts/party:acme/statement?from=2026-13-01":                                      400,
		"/v1/accounts/party:acme/statement?currency=eur":                                         400,
		"/v1/accounts/party:acme/statement?currency=XXX":                                         400,
		"/v1/accounts/party:acme/statement?format=xml":                                           400,
		"/v1/accounts/party:acme/statement?format=csv":                                           200,
		"/v1/accounts/party:acme/statement?cursor=x":                                             400,
		"/v1/accounts/party:acme/statement?limit=0":                                              400,
		"/v1/accounts/party:acme/statement?cursor=" + strings.Repeat("1", maxCursorBytes+1):      400,
		"/v1/trial-balance":                 200,
		"/v1/trial-balance?format=csv":      200,
		"/v1/trial-balance?asOf=x":          400,
		"/v1/trial-balance?cursor=x":        400,
		"/v1/trial-balance?format=CSV":      400,
		record + "?asOf=3":                  200,
		record + "?asOf=-3":                 400,
		record + "/events?format=csv":       200,
		record + "/events?format=pdf":       400,
		"/v1/receipts/0":                    200,
		"/v1/receipts/00":                   400,
		"/v1/receipts/x":                    400,
		"/v1/receipts/18446744073709551616": 400,
		"/log/tile/0/000.p/4":               200,
		"/log/tile/0/000%2Ep/4":             400,
		"/log/tile/0/000.p%2F4":             400,
		"/log/tile/0/000":                   404,
		"/log/tile/0/000.p/5":               404,
		"/log/tile/1/000.p/1":               404,
		"/log/tile/8/000":                   404,
		"/log/tile/63/000":                  404,
		"/log/tile/64/000":                  400,
		"/log/tile/x/000":                   400,
		"/log/tile/-1/000":                  400,
		"/log/tile/entries/000.p/4":         200,
		"/log/tile/entries/x000/000":        400,
		"/log/tile/0/":                      400,
		"/healthz?x":                        400,
		"/v1/nothing":                       404,
		"/":                                 404,
		"/v1/accounts/":                     404,
	} {
		a := h.get(path, h.acme)
		if a.status != status {
			t.Errorf("%s: got %d %.200s, want %d", path, a.status, a.body, status)
		}
		if status != 200 && decodeProblem(t, a).Code == "" {
			t.Errorf("%s: no problem document: %s", path, a.body)
		}
	}
}

func TestPagesJoinUp(t *testing.T) {
	h := open(t, nil)
	h.trade()
	for i := range 4 {
		h.pay(strconv.Itoa(10 + i))
	}
	var lines, entries []string
	h.pages("/v1/accounts/party:globex/postings?limit=2", "from", func(body map[string]any) {
		for _, l := range body["postings"].([]any) {
			lines = append(lines, l.(map[string]any)["debit"].(string))
		}
	})
	if got := strings.Join(lines, " "); got != strings.TrimSpace(strings.Repeat("party/acme ", 5)) {
		t.Errorf("postings of globex: %s", got)
	}
	h.pages("/v1/contracts?limit=2", "cursor", func(body map[string]any) {
		for _, r := range body["records"].([]any) {
			entries = append(entries, r.(map[string]any)["status"].(string))
		}
	})
	if len(entries) != 5 {
		t.Errorf("records of globex: %v", entries)
	}
}

// pages walks through all pages as globex.
func (h *house) pages(path, parameter string, visit func(map[string]any)) {
	h.Helper()
	next := ""
	for range 20 {
		value, err := decodeNumbers([]byte(h.want(200, request{path: path + "&" + parameter + "=" + next, token: h.token(h.globex)}).body))
		if err != nil {
			h.Fatal(err)
		}
		page := value.(map[string]any)
		visit(page)
		if page["next"] == nil {
			return
		}
		switch n := page["next"].(type) {
		case string:
			next = n
		default:
			next = n.(interface{ String() string }).String()
		}
	}
	h.Fatal("pages without an end")
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=1", "kind=cash/1&status=done&cursor=x", "from=1&from=2", "wait=receipt", "%zz", "a;b", "limit=%31"} {
		f.Add(seed)
	}
	f.Add("from=2026-01-01&to=120&currency=EUR&asOf=2026-01-01T00:00:00Z")
	allowed := []string{"kind", "status", "cursor", "limit", "from", "to", "currency", "asOf", "wait"}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseQuery(raw, allowed)
		check := func(err error) bool {
			var refused *domain.Rejection
			if err != nil && (!errors.As(err, &refused) || refused.Code != domain.Malformed) {
				t.Fatalf("%q: not a malformed refusal: %v", raw, err)
			}
			return err == nil
		}
		if !check(err) {
			return
		}
		if limit, err := q.limit(); check(err) && (limit < 1 || limit > maxPage) {
			t.Fatalf("%q: limit %d", raw, limit)
		}
		if from, _, err := q.from(); check(err) && from > maxIndex {
			t.Fatalf("%q: from %d", raw, from)
		}
		if wait, err := q.wait(); check(err) && (wait < ledger.ForAccepted || wait > ledger.ForReceipt) {
			t.Fatalf("%q: wait %d", raw, wait)
		}
		if _, err := q.moment("asOf"); !check(err) && q["asOf"] == "" {
			t.Fatalf("%q: no moment is refused", raw)
		}
		if s, err := q.statement(); check(err) && (s.Limit < 1 || s.Limit > maxPage || len(s.Cursor) > maxCursorBytes) {
			t.Fatalf("%q: statement %+v", raw, s)
		}
		if records, err := q.records(); check(err) && records.Kind != "" && records.Kind.Check() != nil {
			t.Fatalf("%q: kind %q", raw, records.Kind)
		}
	})
}

// FuzzPath asks for any path, as a party: no panic, and nothing but documented statuses.
func FuzzPath(f *testing.F) {
	for _, path := range examplePaths() {
		f.Add(path)
	}
	f.Add("/v1/accounts/%2F%2f/postings")
	f.Add("/log/tile/0/x001/..%2f001")
	fake := apitest.New()
	s := New(Config{Ledger: fake})
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		parsed, err := r.URL.Parse(path)
		if err != nil || parsed.Host != "" && parsed.Host != r.URL.Host {
			return
		}
		r.URL, r.RequestURI = parsed, parsed.RequestURI()
		w := recorded(s, r)
		switch w.Code {
		case 200, 400, 401, 404, 405, 414:
		default:
			t.Fatalf("%q: %d %s", path, w.Code, w.Body)
		}
	})
}
