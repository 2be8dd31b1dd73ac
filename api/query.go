package api

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"aval/domain"
	"aval/ledger"
)

// query holds the parameters of one request, each given at most once. An empty value is the
// same as none. No refusal here quotes the request: people put secrets into URLs by mistake.
type query map[string]string

// parseQuery refuses unknown and repeated parameters and broken escapes.
func parseQuery(raw string, allowed []string) (query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, domain.Refuse(domain.Malformed, "query is not well-formed")
	}
	q := query{}
	for name, given := range values {
		if !slices.Contains(allowed, name) {
			return nil, domain.Refuse(domain.Malformed, "unknown query parameter; this path knows: %s", strings.Join(allowed, ", "))
		}
		if len(given) != 1 {
			return nil, domain.Refuse(domain.Malformed, "query parameter %s is given more than once", name)
		}
		q[name] = given[0]
	}
	return q, nil
}

// wait reads the wait parameter; the default is the receipt.
func (q query) wait() (ledger.Wait, error) {
	switch q["wait"] {
	case "accepted":
		return ledger.ForAccepted, nil
	case "committed":
		return ledger.ForCommitted, nil
	case "", "receipt":
		return ledger.ForReceipt, nil
	case "witnessed":
		return ledger.ForWitnessed, nil
	}
	return 0, domain.Refuse(domain.Malformed, "wait: want accepted, committed, receipt or witnessed")
}

// limit reads the limit parameter.
func (q query) limit() (int, error) {
	if q["limit"] == "" {
		return defaultPage, nil
	}
	n, ok := decimal(q["limit"], maxPage)
	if !ok || n == 0 {
		return 0, domain.Refuse(domain.Malformed, "limit: want 1 to %d", maxPage)
	}
	return int(n), nil
}

// from reads the from parameter; given is false when there is none.
func (q query) from() (index uint64, given bool, err error) {
	if q["from"] == "" {
		return 0, false, nil
	}
	index, ok := decimal(q["from"], maxIndex)
	if !ok {
		return 0, false, domain.Refuse(domain.Malformed, "from: want a log index")
	}
	return index, true, nil
}

// records reads the parameters of a record list.
func (q query) records() (ledger.RecordFilter, error) {
	f := ledger.RecordFilter{Kind: domain.Kind(q["kind"]), Status: q["status"]}
	if f.Kind != "" && f.Kind.Check() != nil {
		return f, domain.Refuse(domain.Malformed, "kind: want name/version")
	}
	if f.Status != "" && domain.CheckID("status", f.Status) != nil {
		return f, domain.Refuse(domain.Malformed, "status: want one word of at most 64 characters")
	}
	var err error
	if f.Cursor, err = q.cursor(); err != nil {
		return f, err
	}
	f.Limit, err = q.limit()
	return f, err
}

// cursor reads the cursor parameter; whether a page gave it, the ledger knows.
func (q query) cursor() (string, error) {
	if len(q["cursor"]) > maxCursorBytes {
		return "", domain.Refuse(domain.Malformed, "cursor: want the next of an earlier page")
	}
	return q["cursor"], nil
}

// moment reads a place in the log.
func (q query) moment(name string) (ledger.Moment, error) { return ledger.ParseMoment(name, q[name]) }

// statement reads the parameters of a statement. A cursor holds the period itself.
func (q query) statement() (f ledger.StatementFilter, err error) {
	if f.From, err = q.moment("from"); err != nil {
		return f, err
	}
	if f.To, err = q.moment("to"); err != nil {
		return f, err
	}
	f.Currency = domain.Currency(q["currency"])
	if _, err := f.Currency.Exponent(); f.Currency != "" && err != nil {
		return f, domain.Refuse(domain.Malformed, "currency: want an ISO 4217 code")
	}
	if f.Cursor, err = q.cursor(); err != nil {
		return f, err
	}
	f.Limit, err = q.limit()
	return f, err
}

// feed reads the parameters of an entry list.
func (q query) feed() (ledger.FeedFilter, error) {
	from, _, err := q.from()
	if err != nil {
		return ledger.FeedFilter{}, err
	}
	limit, err := q.limit()
	return ledger.FeedFilter{From: from, Limit: limit}, err
}

// decimal reads plain digits without leading zeros, at most limit.
func decimal(text string, limit uint64) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && n <= limit && strconv.FormatUint(n, 10) == text
}

// pathParam is one segment of the path, unescaped once. The router matches the escaped
// path where there is one, so that an escaped slash stays within its segment.
func pathParam(c echo.Context, name string) string {
	if c.Request().URL.RawPath == "" {
		return c.Param(name)
	}
	text, err := url.PathUnescape(c.Param(name))
	if err != nil {
		return "" // net/http has checked the escapes; nothing is valid here that is empty
	}
	return text
}

// commandID reads the ID of a command.
func commandID(c echo.Context) (string, error) {
	id := pathParam(c, "id")
	if len(id) != 26 || domain.CheckID("id", id) != nil {
		return "", domain.Refuse(domain.Malformed, "command ID: want a ULID of 26 characters")
	}
	return id, nil
}

// recordID reads the public name of a record.
func recordID(c echo.Context) (domain.RecordID, error) {
	id := domain.RecordID(pathParam(c, "id"))
	kind, key, err := id.Split()
	if err != nil || domain.NewRecordID(kind, key) != id {
		return "", domain.Refuse(domain.Malformed, "contract ID: want kind:version:key, as lists give it")
	}
	return id, nil
}

// accountID reads an account, whose slashes are escaped as %2F or written as ':'.
func accountID(c echo.Context) (domain.AccountID, error) {
	id := domain.AccountID(strings.ReplaceAll(pathParam(c, "id"), ":", "/"))
	if id.Check() != nil {
		return "", domain.Refuse(domain.Malformed, "account ID: want party, issue or escrow and its name, with %%2F or ':' for '/'")
	}
	return id, nil
}
