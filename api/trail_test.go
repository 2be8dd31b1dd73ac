package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// accesses are what the log says of readings from an index on, as their readers are told.
func (e *engined) accesses(from uint64) (all []domain.WasRead) {
	e.Helper()
	page, err := e.node.Feed("seer", ledger.FeedFilter{From: from, Limit: ledger.MaxPage})
	if err != nil {
		e.Fatal(err)
	}
	for _, entry := range page.Entries {
		if entry.Name != domain.Accessed {
			continue
		}
		if entry.Code != "" || entry.Kind != domain.GovernanceKind {
			e.Errorf("%+v", entry)
		}
		var told domain.WasRead
		if err := json.Unmarshal(entry.Events[0].Body, &told); err != nil {
			e.Fatal(err)
		}
		all = append(all, told)
	}
	return all
}

// audited is a ledger with something of acme's, an auditor of everything, one whom acme lets read
// everything of it and one whom it lets read one record.
func audited(t *testing.T) (*engined, map[string]caller, map[string]row) {
	t.Helper()
	e := openEngine(t)
	decodeReply(t, e.order(e.acme, canary, "issue", ledgertest.Order{To: "acme", Amount: euro(3 * canaryMinor)}))
	held := decodeReply(t, e.order(e.acme, canary, "hold", ledgertest.Order{Amount: euro(2 * canaryMinor), At: e.node.World.Clock.Millis() + 900_000}))
	callers := e.cast()
	e.node.MustSubmit(e.node.World.Command(e.node.World.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{Grant: ledgertest.Everything("seer")}))
	return e, callers, rows(held.ID, held.Index)
}

// TestEveryReadUnderAGrantIsRecorded asks every route as everybody, and wants one record for each answer
// that a grant gave and none for any other.
func TestEveryReadUnderAGrantIsRecorded(t *testing.T) {
	e, callers, table := audited(t)
	for operation, r := range table {
		for name, c := range callers {
			if r.class == public || r.class == command || r.class == capture || r.class == streamed || c.token == "" {
				continue
			}
			from := e.node.Size()
			a := e.do(request{path: r.as(c.sight), token: c.token})
			status, shows := r.expected(c.sight)
			got := e.accesses(from)
			if want := status == http.StatusOK && shows && c.sight != owner && c.sight != governs && r.class != sender; !want {
				if len(got) != 0 && name != "ungranted" { // it lists who is registered
					t.Errorf("%s as %s: %d, recorded as %+v", operation, name, a.status, got)
				}
				continue
			}
			if len(got) != 1 || string(got[0].Viewer) != name && name != "seer" || "GET "+got[0].Route != operation || got[0].Rows < 1 && r.class != trail { // a trail may be empty yet
				t.Errorf("%s as %s: %d, recorded as %+v", operation, name, a.status, got)
				continue
			}
			if wantAs := c.sight == oneThing || c.sight == asAcme; wantAs != (got[0].As == "acme") || strings.Contains(r.path, canary) != strings.Contains(got[0].Target, canary) {
				t.Errorf("%s as %s: recorded as %+v", operation, name, got[0])
			}
		}
	}
}

// trailOf is what a party is told.
func (e *engined) trailOf(path string, c caller) []readLine {
	e.Helper()
	var page readPage
	a := e.do(request{path: path, token: c.token})
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK {
		e.Fatalf("%s: %d %s, %v", path, a.status, a.body, err)
	}
	return page.Reads
}

// TestTrail: who was read, who let it be read and who read are told, each his own, and nobody else.
func TestTrail(t *testing.T) {
	e, all, _ := audited(t)
	record := "/v1/contracts/cash:1:hold:" + canary
	for _, r := range []request{
		{path: record, token: all["seer"].token},
		{path: record + "?as=acme", token: all["lent-one"].token},
		{path: "/v1/contracts?kind=cash/1&as=acme", token: all["lent"].token},
		{path: "/v1/contracts/governance:1:party:globex", token: all["ungranted"].token},
	} {
		if a := e.do(r); a.status != http.StatusOK {
			t.Fatalf("%s: %d %s", r.path, a.status, a.body)
		}
	}
	text := func(lines []readLine) (all []string) {
		for _, l := range lines {
			all = append(all, strings.Join([]string{string(l.Viewer), l.Grant, string(l.Granter), l.Scope, string(l.As), l.Route, l.Target}, " "))
			if l.Rows != 1 || l.Index == 0 || l.ReadAt == 0 {
				t.Errorf("%+v", l)
			}
		}
		return all
	}
	const one, list = "/v1/contracts/{id} ", "/v1/contracts "
	hold := "cash:1:hold:" + canary
	seer := "seer everything member all  " + one + hold
	lentOne := "lent-one g acme " + hold + " acme " + one + hold
	lent := "lent g acme party:acme acme " + list
	ungranted := "ungranted g member parties  " + one + "governance:1:party:globex"
	for name, want := range map[string][]string{
		"acme": {seer, lentOne, lent}, "seer": {seer}, "lent-one": {lentOne}, "lent": {lent}, "ungranted": {ungranted}, "globex": nil, "supplier": nil,
	} {
		if got := text(e.trailOf("/v1/reads", all[name])); !slices.Equal(got, want) {
			t.Errorf("%s is told %q, want %q", name, got, want)
		}
	}
	if got := text(e.trailOf("/v1/reads?as=acme", all["lent"])); !slices.Equal(got, []string{seer, lentOne, lent}) {
		t.Errorf("in acme's name: %q", got)
	}
	w := e.node.World
	member := caller{token: e.token(w.Member)}
	wantMember := []string{"seer everything member all  " + one, "ungranted g member parties  " + one + "governance:1:party:globex"}
	if got := text(e.trailOf("/v1/reads", member)); !slices.Equal(got, wantMember) {
		t.Errorf("a member is told %q, want %q", got, wantMember)
	}
}

// The rows of each party are counted apart, and a page of very many parties needs several parts.
func TestRowsAreCountedByParty(t *testing.T) {
	c := call{viewer: session{party: "seer"}, eyes: "seer"}
	got := c.whose(whoseRows{{"b", "a"}, {"b", "seer"}, nil, {""}})
	if want := []domain.RowsOf{{Party: "a", Rows: 1}, {Party: "b", Rows: 2}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	c.eyes = "acme"
	if got := c.whose(whoseRows{{"b"}, nil}); !slices.Equal(got, []domain.RowsOf{{Party: "acme", Rows: 2}}) {
		t.Errorf("in acme's name: %v", got)
	}
}

// recorder is an engine that records, or does not, as it is told.
type recorder struct {
	*ledgertest.Node
	fail  error
	parts []domain.Access
	// after is called when a reading has been looked up and not yet recorded.
	after func()
}

func (r *recorder) RecordAccess(_ context.Context, a domain.Access) error {
	r.parts = append(r.parts, a)
	return r.fail
}

func (r *recorder) Record(viewer domain.PartyID, id domain.RecordID) (ledger.RecordView, error) {
	v, err := r.Node.Record(viewer, id)
	if r.after != nil {
		r.after()
	}
	return v, err
}

// TestWhatIsNotRecordedIsNotAnswered: every way in which recording fails ends the request without a word of what was read.
func TestWhatIsNotRecordedIsNotAnswered(t *testing.T) {
	e, all, table := audited(t)
	real := e.Server.ledger
	for fail, want := range map[error]int{
		ledger.ErrFull: http.StatusInsufficientStorage, ledger.ErrBusy: http.StatusTooManyRequests, ledger.ErrClosed: http.StatusServiceUnavailable,
		context.DeadlineExceeded: http.StatusServiceUnavailable, errors.New("disk on fire"): http.StatusInternalServerError,
	} {
		e.Server.ledger = &recorder{Node: e.node, fail: fail}
		for operation, r := range table {
			status, shows := r.expected(auditor)
			if status != http.StatusOK || !shows || r.class == command || r.class == capture {
				continue
			}
			if a := e.do(request{path: r.path, token: all["seer"].token}); a.status != want || showsAcme(a.body) {
				t.Errorf("%s while %v: %d %.200s, want %d", operation, fail, a.status, a.body, want)
			}
		}
	}
	e.Server.ledger = real
}

// A grant that begins, ends or changes while an answer is made counts before the answer leaves.
func TestRightThatChangesMeanwhile(t *testing.T) {
	e, all, _ := audited(t)
	w := e.node.World
	grant := func(g domain.Grant) func() {
		return func() {
			e.node.MustSubmit(w.Command(w.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{Grant: &g}))
		}
	}
	everything := *ledgertest.Everything("too-late")
	ended := everything
	ended.Until = 1
	path := "/v1/contracts/cash:1:hold:" + canary
	ask := func(after func()) (answered, *recorder) {
		r := &recorder{Node: e.node}
		r.after = func() { r.after = nil; after() }
		e.Server.ledger = r
		return e.do(request{path: path, token: all["too-late"].token}), r
	}
	if a, r := ask(grant(everything)); a.status != http.StatusNotFound || len(r.parts) != 0 {
		t.Errorf("looked up before the grant: %d %s, %d recorded", a.status, a.body, len(r.parts))
	}
	if a, r := ask(grant(ended)); a.status != http.StatusNotFound || len(r.parts) != 0 {
		t.Errorf("looked up before the grant ended: %d %s, %d recorded", a.status, a.body, len(r.parts))
	}
	grant(everything)()
	if a, r := ask(func() { grant(ended)(); grant(everything)() }); a.status != http.StatusOK || len(r.parts) != 1 {
		t.Errorf("ended and granted again: %d %s, %d recorded", a.status, a.body, len(r.parts))
	}
}

// A route that forgets to record gives nothing away.
func TestGateStaysClosed(t *testing.T) {
	behind := httptest.NewRecorder()
	g := &gate{ResponseWriter: behind}
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), g)
	if err := c.JSON(http.StatusOK, canary); err == nil || behind.Code != http.StatusInternalServerError || behind.Body.Len() != 0 {
		t.Errorf("%v, %d %q", err, behind.Code, behind.Body)
	}
}

// TestStreamsComeToRest: a stream records what it shows, and what it tells of another's record begets none.
func TestStreamsComeToRest(t *testing.T) {
	e, all, _ := audited(t)
	e.Server.limits.streamPace = 0
	streams := []*feed{
		e.streamWith(request{path: "/v1/events", token: all["seer"].token}),
		e.streamWith(request{path: "/v1/events?as=acme", token: all["lent"].token}),
	}
	from := e.node.Size()
	pay := func(contract string) uint64 {
		return decodeReply(t, e.order(e.acme, contract, "issue", ledgertest.Order{To: "acme", Amount: euro(1)})).Index
	}
	for _, contract := range []string{"M-8", "M-9"} {
		pay(contract)
		for _, s := range streams { // the payment, and what either stream records of it
			for kinds := map[string]int{}; kinds[domain.Accessed] < 2 || kinds["issue"] < 1; {
				var entry ledger.EntryView
				if err := json.Unmarshal([]byte(s.named("entry").data), &entry); err != nil {
					t.Fatal(err)
				}
				kinds[entry.Name]++
			}
		}
	}
	for _, s := range streams {
		s.close()
	}
	pay("M-10")
	got := e.accesses(from)
	for _, a := range got {
		if a.Route != "/v1/events" || a.Rows != 1 {
			t.Errorf("%+v", a)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d readings recorded of two payments on two streams: %+v", len(got), got)
	}
}
