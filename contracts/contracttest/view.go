package contracttest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"aval/domain"
)

// view is a contract's sight of its own kind. It hands out copies, so a contract cannot reach stored state.
type view struct {
	b      *Bench
	kind   domain.Kind
	sender domain.PartyID
	// reads counts the postings that were looked up.
	reads int
}

func (v *view) Get(key string) ([]byte, bool) {
	r, found := v.b.records[recordKey{v.kind, key}]
	if !found || r.final {
		return nil, false
	}
	return bytes.Clone(r.body), true
}

func (v *view) Closed(key string) bool { return v.b.records[recordKey{v.kind, key}].final }

func (v *view) Scan(prefix, after string, limit int) []domain.Record {
	v.b.t.Helper()
	if limit < 1 || limit > domain.MaxScan {
		v.b.t.Fatalf("%s scans with limit %d, want 1 to %d", v.kind, limit, domain.MaxScan)
	}
	var keys []string
	for k, r := range v.b.records {
		if k.kind == v.kind && !r.final && strings.HasPrefix(k.key, prefix) && k.key > after {
			keys = append(keys, k.key)
		}
	}
	slices.Sort(keys)
	found := []domain.Record{}
	for _, key := range keys[:min(limit, len(keys))] {
		found = append(found, domain.Record{Key: key, Body: bytes.Clone(v.b.records[recordKey{v.kind, key}].body)})
	}
	return found
}

func (v *view) Available(account domain.AccountID, currency domain.Currency) int64 {
	own := v.sender != "" && account == domain.PartyAccount(v.sender)
	if !own && !account.HeldBy(v.kind) {
		return 0
	}
	return v.b.Balance(account, currency)
}

func (v *view) Posting(ref domain.PostingRef) (domain.Posting, bool) {
	v.b.t.Helper()
	if v.reads++; v.reads > domain.MaxPostingReads {
		v.b.t.Fatalf("%s looks up more than %d postings for one command", v.kind, domain.MaxPostingReads)
	}
	p, found := v.b.posting(ref)
	for _, account := range []domain.AccountID{p.Debit, p.Credit} {
		if found && (account.HeldBy(v.kind) || v.sender != "" && account.Owner() == v.sender) {
			return p, true
		}
	}
	return domain.Posting{}, false
}

func sortedKeys[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}

func compareWatches(a, b watchKey) int {
	return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.subject, b.subject))
}

func compareDeadlines(a, b deadlineKey) int {
	return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.contract, b.contract), strings.Compare(a.name, b.name))
}

func compareBalances(a, b balanceKey) int {
	return cmp.Or(strings.Compare(string(a.account), string(b.account)), strings.Compare(string(a.currency), string(b.currency)))
}

func compareRecords(a, b recordKey) int {
	return cmp.Or(strings.Compare(string(a.kind), string(b.kind)), strings.Compare(a.key, b.key))
}
