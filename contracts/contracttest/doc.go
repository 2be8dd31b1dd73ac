// Package contracttest is a bench on which contract kinds run without an engine, and the
// laws that every kind obeys. It is for tests only.
//
// A Bench plays the engine in memory: it knows who is registered, keeps records, balances,
// deadlines and watches, applies effects whole or not at all, and asserts after every step
// that the sum of each currency is zero, that no account but issue/* is below zero, that a
// final record holds no money and is never written again, that effects are within their
// limits, that stored bytes are canonical, and that the same input gives the same effects.
// A broken law ends the test at once.
//
//	b := contracttest.New(t, cash.Contract)
//	b.Register("acme", domain.RoleTrader)
//	b.Fund("acme", domain.Money{Minor: 500, Currency: "EUR"})
//	err := b.Send(1000, "acme", "cash/1", "initech", "transfer", map[string]any{...})
package contracttest
