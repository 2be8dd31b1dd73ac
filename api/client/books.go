package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"aval/domain"
	"aval/ledger"
)

// Period selects a statement. From and To are texts as ledger.ParseMoment reads them, empty for
// the beginning and the present; Currency is empty for all.
type Period struct{ From, To, Currency string }

// Statement reads an account's statement to its end, page by page. It holds each page against
// the one before, and its lines against its balances: an error says that the server does not add up.
func (c *Client) Statement(ctx context.Context, account domain.AccountID, p Period, visit func(ledger.Statement) error) error {
	query := given(map[string]string{"from": p.From, "to": p.To, "currency": p.Currency, "limit": "1000"})
	path := "/v1/accounts/" + strings.ReplaceAll(string(account), "/", ":") + "/statement?"
	var last *ledger.Statement
	for {
		page, err := read[ledger.Statement](ctx, c, path+query.Encode())
		if err != nil {
			return err
		}
		if err := page.Check(); err != nil {
			return err
		}
		if last != nil && (page.From != last.From || page.To != last.To || !sameMoney(page.Opening, last.Closing)) {
			return fmt.Errorf("the server does not add up: a page opens with other balances than the one before closes with")
		}
		if err := visit(page); err != nil || page.Next == "" {
			return err
		}
		last = &page
		query = url.Values{"cursor": {page.Next}, "limit": {"1000"}}
		if p.Currency != "" {
			query.Set("currency", p.Currency)
		}
	}
}

// sameMoney compares balances by currency; what is not named is zero.
func sameMoney(a, b []domain.Money) bool {
	sums := func(all []domain.Money) map[domain.Currency]int64 {
		minor := map[domain.Currency]int64{}
		for _, m := range all {
			minor[m.Currency] += m.Minor
		}
		maps.DeleteFunc(minor, func(_ domain.Currency, m int64) bool { return m == 0 })
		return minor
	}
	return maps.Equal(sums(a), sums(b))
}

// TrialBalance reads the whole trial balance as of a moment, as ledger.ParseMoment reads it;
// empty is the present. It tells progress how many of how many leaves are added up.
func (c *Client) TrialBalance(ctx context.Context, asOf string, progress func(done uint64)) (ledger.TrialBalance, error) {
	return ledger.JoinTrialBalance(func(cursor string) (ledger.TrialBalance, error) {
		query := given(map[string]string{"asOf": asOf, "cursor": cursor})
		page, err := read[ledger.TrialBalance](ctx, c, "/v1/trial-balance?"+query.Encode())
		progress(page.To)
		return page, err
	})
}

// History reads what happened to a record, from its first entry to its last, page by page.
func (c *Client) History(ctx context.Context, id domain.RecordID, visit func(ledger.EntryPage) error) error {
	for from := uint64(0); ; {
		path := "/v1/contracts/" + url.PathEscape(string(id)) + "/events?limit=1000&from=" + strconv.FormatUint(from, 10)
		page, err := read[ledger.EntryPage](ctx, c, path)
		if err != nil {
			return err
		}
		if err := visit(page); err != nil || page.Next == nil {
			return err
		}
		if *page.Next <= from {
			return fmt.Errorf("the server leads in a circle: after index %d comes %d", from, *page.Next)
		}
		from = *page.Next
	}
}

// given is a query of those parameters that are not empty.
func given(parameters map[string]string) url.Values {
	query := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if parameters[name] != "" {
			query.Set(name, parameters[name])
		}
	}
	return query
}

// read gets a path and decodes its JSON.
func read[T any](ctx context.Context, c *Client, path string) (v T, err error) {
	body, err := c.Get(ctx, path)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, fmt.Errorf("read answer: %w", err)
	}
	return v, nil
}
