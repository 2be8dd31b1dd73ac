package domain_test

import (
	"errors"
	"fmt"
	"testing"

	"aval/domain"
)

func TestBulksAreCounted(t *testing.T) {
	for items, want := range map[int]domain.Code{0: domain.LimitExceeded, 1: "", domain.MaxBulk: "", domain.MaxBulk + 1: domain.LimitExceeded} {
		wantCode(t, fmt.Sprint(items, " items"), domain.CheckBulk(items), want)
	}
}

func TestRefusalsOfABulkNameTheItem(t *testing.T) {
	err := domain.AtItem(3, domain.Refuse(domain.NotFound, "to: party %s", "x"))
	var refusal *domain.Rejection
	if !errors.As(err, &refusal) || refusal.Code != domain.NotFound || refusal.Detail != "items[3]: to: party x" {
		t.Error(err)
	}
	bug := errors.New("a bug")
	if domain.AtItem(1, nil) != nil || domain.AtItem(1, bug) != bug {
		t.Error("what is no refusal must stay as it is")
	}
}
