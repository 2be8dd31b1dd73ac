package api

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger/ledgertest"
)

// canary and canaryMinor stand in what is acme's alone and nowhere else on the ledger.
const (
	canary      = "CANARY-7Q"
	canaryMinor = 734_129
)

// sight is what somebody may see of what is acme's.
type sight int

const (
	refused  sight = iota // no token that counts: 401
	governs               // a member that acme's things do not name: who may do what, and otherwise nothing
	nothing               // not-found, or a list without it
	oneThing              // the record that was granted, in acme's name
	asAcme                // everything of acme's, in acme's name
	owner                 // acme
	auditor               // everything, in its own name
)

// caller is somebody who asks.
type caller struct {
	sight  sight
	signer *envelope.Signer
	token  string
}

// class says what a route does for whom.
type class int

const (
	public   class = iota // for everybody, with nothing of anybody's
	record                // acme's record
	account               // acme's account
	entry                 // acme's entry, by its index
	list                  // what the caller sees, perhaps nothing
	streamed              // the same, as events
	private               // for who is named in a private value, never by a grant
	sender                // for the sender of a command, never by a grant
	rule                  // who may do what: for members and auditors of everything
	command               // the caller's own command, in its own name
	capture               // the caller's own document
	trail                 // who read under a grant: each sees his own list, or that of whom he reads as
)

// row is a route: a request of it, and what it does.
type row struct {
	path  string
	class class
	// status is what a public route answers here.
	status int
}

// rows has one for each operation of the document.
func rows(id string, index uint64) map[string]row {
	at := strconv.FormatUint(index, 10)
	return map[string]row{
		"POST /v1/commands":               {"/v1/commands", command, 0},
		"GET /v1/commands/{id}":           {"/v1/commands/" + id, sender, 0},
		"POST /v1/epcis/capture":          {"/v1/epcis/capture", capture, 0},
		"GET /v1/contracts":               {"/v1/contracts", list, 0},
		"GET /v1/contracts/{id}":          {"/v1/contracts/cash:1:hold:" + canary, record, 0},
		"GET /v1/contracts/{id}/events":   {"/v1/contracts/cash:1:hold:" + canary + "/events", record, 0},
		"GET /v1/accounts":                {"/v1/accounts", list, 0},
		"GET /v1/accounts/{id}":           {"/v1/accounts/party:acme", account, 0},
		"GET /v1/accounts/{id}/postings":  {"/v1/accounts/party:acme/postings", account, 0},
		"GET /v1/accounts/{id}/statement": {"/v1/accounts/party:acme/statement", account, 0},
		"GET /v1/trial-balance":           {"/v1/trial-balance", list, 0},
		"GET /v1/events":                  {"/v1/events?from=0", streamed, 0},
		"GET /v1/receipts/{index}":        {"/v1/receipts/" + at, entry, 0},
		"GET /v1/reads":                   {"/v1/reads", trail, 0},
		"GET /v1/private/{digest}":        {"/v1/private/" + strings.Repeat("A", 43), private, 0},
		"GET /v1/governance":              {"/v1/governance", rule, 0},
		"GET /v1/attestation":             {"/v1/attestation?nonce=" + strings.Repeat("A", 43), public, 404},
		"GET /log/checkpoint":             {"/log/checkpoint", public, 200},
		"GET /log/policy":                 {"/log/policy", public, 200},
		"GET /log/tile/{level}/{path}":    {"/log/tile/0/000.p/4", public, 200},
		"GET /log/tile/entries/{path}":    {"/log/tile/entries/000.p/4", public, 200},
		"GET /openapi.json":               {"/openapi.json", public, 200},
		"GET /healthz":                    {"/healthz", public, 200},
		"GET /readyz":                     {"/readyz", public, 200},
	}
}

// expected is the status of a row for a caller, and whether the answer shows what is acme's.
func (r row) expected(who sight) (status int, shows bool) {
	switch {
	case r.class == public:
		return r.status, false
	case who == refused:
		return http.StatusUnauthorized, false
	case r.class == private:
		return http.StatusNotFound, false
	case r.class == sender:
		shows = who == owner
	case r.class == trail:
		shows = who == asAcme || who == owner
	case r.class == rule:
		shows = who == governs || who == auditor
	case r.class == record:
		shows = who > nothing
	default:
		shows = who > oneThing
	}
	if !shows && (r.class == list || r.class == streamed || r.class == trail) && who != oneThing {
		return http.StatusOK, false
	}
	if !shows {
		return http.StatusNotFound, false
	}
	return http.StatusOK, true
}

// as is the path in acme's name for who reads by a grant of acme's.
func (r row) as(who sight) string {
	if who != oneThing && who != asAcme || r.class == sender || r.class == private || r.class == public {
		return r.path
	}
	if strings.Contains(r.path, "?") {
		return r.path + "&as=acme"
	}
	return r.path + "?as=acme"
}

// cast registers everybody who asks.
func (e *engined) cast() map[string]caller {
	w := e.node.World
	register := func(r ledgertest.Registration) {
		e.node.MustSubmit(w.Command(w.Member, domain.GovernanceKind, "registry", "register", r))
	}
	grant := func(viewer domain.PartyID, granter domain.PartyID, scope string, until domain.Millis) {
		register(ledgertest.Registration{Grant: &domain.Grant{ID: "g", Granter: granter, Viewer: viewer, Scope: scope, Until: until}})
	}
	all := map[string]caller{"acme": {sight: owner, signer: e.acme}, "seer": {sight: auditor, signer: e.seer}, "globex": {sight: nothing, signer: e.globex}}
	for _, role := range []domain.Role{
		domain.RoleMember, domain.RoleOperator, domain.RoleBank, domain.RoleInsurer, domain.RoleSupplier, domain.RoleBuyer,
		domain.RoleCarrier, domain.RoleFinancier, domain.RolePolicyholder, domain.RoleGateway, domain.RoleOracle,
	} {
		all[string(role)] = caller{sight: nothing, signer: e.node.Register(domain.PartyID("as-"+role), role)}
	}
	all[string(domain.RoleMember)] = caller{sight: governs, signer: all[string(domain.RoleMember)].signer}
	named := func(name string, who sight) domain.PartyID {
		all[name] = caller{sight: who, signer: e.node.Register(domain.PartyID(name))}
		return domain.PartyID(name)
	}
	for _, p := range []struct {
		name           string
		who            sight
		granter        domain.PartyID
		scope          string
		until          domain.Millis
		frozen, erased domain.Millis
	}{
		{"ungranted", nothing, "member", domain.ScopeParties, 0, 0, 0},
		{"too-late", nothing, "member", domain.ScopeAll, 1, 0, 0},
		{"lent", asAcme, "acme", "party:acme", 0, 0, 0},
		{"lent-one", oneThing, "acme", "cash:1:hold:" + canary, 0, 0, 0},
		{"frozen", nothing, "member", domain.ScopeAll, 0, 1, 0},
		{"erased", refused, "member", domain.ScopeAll, 0, 0, 1},
	} {
		id := named(p.name, p.who)
		grant(id, p.granter, p.scope, p.until)
		register(ledgertest.Registration{Party: &domain.Party{ID: id, Roles: []domain.Role{domain.RoleAuditor}, Frozen: p.frozen, Erased: p.erased}})
	}
	gone := all[string(named("revoked", refused))].signer.Key
	gone.Class, gone.Holder, gone.Revoked = domain.PartyHolder, "revoked", 1
	register(ledgertest.Registration{Key: &gone})
	return e.withBadTokens(all)
}

// withBadTokens gives everybody a token, and adds those who have none that counts.
func (e *engined) withBadTokens(all map[string]caller) map[string]caller {
	e.Helper()
	for name, c := range all {
		c.token = e.token(c.signer)
		all[name] = c
	}
	now := e.node.World.Clock.Millis()
	token := func(s *envelope.Signer, ledger string, at domain.Millis) caller {
		raw, err := envelope.SealToken(s, ledger, at)
		if err != nil {
			e.Fatal(err)
		}
		return caller{sight: refused, signer: s, token: string(raw)}
	}
	all["stranger"] = caller{sight: refused}
	all["no token at all"] = caller{sight: refused, token: "x"}
	all["unknown key"] = token(ledgertest.NewSigner(e.T), ledgertest.Origin, now)
	all["expired token"] = token(e.acme, ledgertest.Origin, now-3_600_000)
	all["token of another ledger"] = token(e.acme, "elsewhere.test/main", now)
	return all
}

// TestEveryRouteAsEverybody asks every route of the document as everybody, and looks in each
// answer for what its reader must not see.
func TestEveryRouteAsEverybody(t *testing.T) {
	e := openEngine(t)
	e.Server.policyText = []byte("log " + ledgertest.Origin + "+00000000+AAAA\nquorum none\n")
	decodeReply(t, e.order(e.acme, canary, "issue", ledgertest.Order{To: "acme", Amount: euro(3 * canaryMinor)}))
	held := decodeReply(t, e.order(e.acme, canary, "hold", ledgertest.Order{Amount: euro(2 * canaryMinor), At: e.node.World.Clock.Millis() + 900_000}))
	callers, table := e.cast(), rows(held.ID, held.Index)
	for operation := range documented(e.seen) {
		r, ok := table[operation]
		if !ok {
			t.Errorf("%s has no row: say who may see what it shows", operation)
			continue
		}
		for name, c := range callers {
			if r.class == command {
				e.orders(name, c)
				continue
			}
			if r.class == capture {
				e.captures(name, c)
				continue
			}
			status, shows := r.expected(c.sight)
			path, body := r.as(c.sight), ""
			if r.class == streamed && status == http.StatusOK {
				body = e.firstOf(path, c, shows)
			} else if a := e.do(request{path: path, token: c.token}); a.status != status {
				t.Errorf("%s as %s: %d %s, want %d", path, name, a.status, a.body, status)
				continue
			} else {
				body = a.body
			}
			if r.class == trail { // it names what was read, of whomever: TestTrail looks into it
				continue
			}
			// A receipt and a decision are encoded, and the reply to a command names nothing: only what must not be there is looked for.
			if seen := showsAcme(body); seen != shows && r.class != entry && r.class != sender && r.class != rule || seen && !shows {
				t.Errorf("%s as %s: shows what is acme's: %v, want %v in %.300s", path, name, seen, shows, body)
			}
		}
	}
}

// showsAcme looks for the canaries: amount, what is left of it, or name.
func showsAcme(body string) bool {
	return strings.Contains(body, canary) || strings.Contains(body, strconv.Itoa(canaryMinor)) ||
		strings.Contains(body, strconv.Itoa(2*canaryMinor)) || strings.Contains(body, strconv.Itoa(3*canaryMinor))
}

// orders sends a payment that the caller cannot make, and wants the refusal to name no more than that.
func (e *engined) orders(name string, c caller) {
	e.Helper()
	if c.signer == nil || c.signer == e.acme || c.signer == e.seer {
		return
	}
	a := e.order(c.signer, "M", "transfer", ledgertest.Order{To: "acme", Amount: euro(1)})
	for _, code := range []domain.Code{domain.Frozen, domain.Erased} {
		if (name == string(code)) != strings.Contains(a.body, `"code":"`+string(code)+`"`) {
			e.Errorf("a command as %s: %d %s", name, a.status, a.body)
		}
	}
	if want := c.sight == refused && name != "erased" || name == "frozen"; want != (a.status == http.StatusForbidden) || strings.Contains(a.body, strconv.Itoa(canaryMinor)) {
		e.Errorf("a command as %s: %d %s", name, a.status, a.body)
	}
}

// captures sends a document about a thing of acme's, signed by the caller's own key, and wants a refusal that says no more.
func (e *engined) captures(name string, c caller) {
	e.Helper()
	if c.signer == nil {
		return
	}
	raw, err := envelope.Seal(c.signer, captureType, map[string]any{
		"ledger": ledgertest.Origin, "kind": "cash/1", "subject": canary, "epoch": 1, "seq": 1, "t": 1, "clock": "ntp", "epcis": "[]",
	})
	if err != nil {
		e.Fatal(err)
	}
	a := e.do(request{method: http.MethodPost, path: "/v1/epcis/capture", body: string(raw), contentType: "application/jose"})
	if a.status < 400 || a.status >= 500 || showsAcme(a.body) {
		e.Errorf("a capture as %s: %d %s", name, a.status, a.body)
	}
}

// firstOf gives the first entry of a stream if one is due, else what the stream begins with.
func (e *engined) firstOf(path string, c caller, due bool) string {
	e.Helper()
	s := e.streamWith(request{path: path, token: c.token})
	defer s.close()
	if !due {
		first := s.block()
		return first.data + first.comment
	}
	for {
		if entry := s.named("entry"); showsAcme(entry.data) {
			return entry.data
		}
	}
}

// accessTable writes what every route answers to whom, as docs/access.md has it.
func accessTable() string {
	var b strings.Builder
	b.WriteString("| route | no valid token | a member, not named | not named | granted the record | granted all of the party's | the party itself | auditor, granted all |\n|---|---|---|---|---|---|---|---|\n")
	table := rows("ID", 0)
	for _, operation := range slices.Sorted(maps.Keys(table)) {
		b.WriteString("| `" + operation + "` |")
		for who := refused; who <= auditor; who++ {
			status, shows := table[operation].expected(who)
			switch r := table[operation]; {
			case r.class == public:
				b.WriteString(" public |")
			case r.class == command && who == refused:
				b.WriteString(" 403 |")
			case r.class == command:
				b.WriteString(" own command |")
			case r.class == capture && who == refused:
				b.WriteString(" 403 |")
			case r.class == capture:
				b.WriteString(" own document |")
			case shows:
				b.WriteString(" shown |")
			case status == http.StatusOK:
				b.WriteString(" its own only |")
			default:
				b.WriteString(" " + strconv.Itoa(status) + " |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// The guide holds the table that TestEveryRouteAsEverybody proves.
func TestGuideHasTheTable(t *testing.T) {
	guide, err := os.ReadFile("../docs/access.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), accessTable()) {
		t.Errorf("docs/access.md does not have this table:\n%s", accessTable())
	}
}
