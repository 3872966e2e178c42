package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/latchkey/latchkey/internal/config"
)

const maxBody = 1 << 20

// ask sends one request and notes the server's clock.
func (e *examination) ask(ctx context.Context, method, target, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return 0, nil, reason(err)
	}
	req.Header.Set("Accept", "application/json")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	sent := e.Now()
	res, err := e.HTTP.Do(req)
	if err != nil {
		return 0, nil, reason(err)
	}
	defer func() { _ = res.Body.Close() }()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		e.noteClock(config.HostOf(target), date, sent, time.Second)
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxBody))
	return res.StatusCode, answer, reason(err)
}

// google fetches the discovery document of the issuer.
func (e *examination) google(ctx context.Context) []Result {
	const name = "google"
	if !e.cfg.GoogleEnabled() {
		return []Result{ok(name, "is not configured, so it is off")}
	}
	issuer := string(e.cfg.GoogleIssuer)
	fail := func(fix, format string, args ...any) []Result {
		return []Result{{name, Fail, fmt.Sprintf(format, args...), fix}}
	}
	status, body, err := e.ask(ctx, http.MethodGet, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", "")
	if err != nil {
		return fail("allow Latchkey to connect to it, or correct LATCHKEY_GOOGLE_ISSUER", "%s cannot be reached: %v", issuer, err)
	}
	var document struct{ Issuer string }
	switch {
	case status != http.StatusOK:
		return fail("correct LATCHKEY_GOOGLE_ISSUER, or wait until the issuer is up again", "%s answers %d to discovery", issuer, status)
	case json.Unmarshal(body, &document) != nil:
		return fail("correct LATCHKEY_GOOGLE_ISSUER", "%s does not answer discovery with JSON", issuer)
	case document.Issuer != issuer:
		return fail("write LATCHKEY_GOOGLE_ISSUER exactly as the issuer does", "%s says it is %.200q", issuer, document.Issuer)
	}
	return []Result{ok(name, "%s answers", issuer)}
}

// github checks both hosts: the site that browsers are sent to, and the API by the
// call that a sign-in makes, which must ask for a token.
func (e *examination) github(ctx context.Context) []Result {
	const name = "github"
	if !e.cfg.GitHubEnabled() {
		return []Result{ok(name, "is not configured, so it is off")}
	}
	var results []Result
	for _, part := range []struct{ variable, base, path string }{
		{"LATCHKEY_GITHUB_URL", string(e.cfg.GitHubURL), ""},
		{"LATCHKEY_GITHUB_API_URL", string(e.cfg.GitHubAPIURL), "/user"},
	} {
		variable, target := part.variable, strings.TrimSuffix(part.base, "/")+part.path
		status, _, err := e.ask(ctx, http.MethodGet, target, "")
		switch {
		case err != nil:
			results = append(results, Result{name, Fail, fmt.Sprintf("%s cannot be reached: %v", part.base, err), "allow Latchkey to connect to it, or correct " + variable})
		case status >= 500:
			results = append(results, Result{name, Fail, fmt.Sprintf("%s answers %d", target, status), "wait until GitHub is up again, or correct " + variable})
		case part.path != "" && status == http.StatusNotFound:
			results = append(results, Result{name, Fail, fmt.Sprintf("%s answers 404", target), "correct " + variable + ": on an Enterprise Server it ends in /api/v3"})
		}
	}
	if len(results) == 0 {
		return []Result{ok(name, "%s and %s answer", e.cfg.GitHubURL, e.cfg.GitHubAPIURL)}
	}
	return results
}

// chain asks each RPC endpoint of a chain for its chain id. An endpoint of another
// chain would verify wallets against other contracts.
func (e *examination) chain(ctx context.Context, chain uint64) []Result {
	name := "chain " + strconv.FormatUint(chain, 10)
	endpoints := e.cfg.EthereumRPC[chain]
	if len(endpoints) == 0 {
		return []Result{ok(name, "has no RPC endpoint: contract wallets cannot sign in on it, others can")}
	}
	var results []Result
	for _, endpoint := range endpoints {
		results = append(results, e.endpoint(ctx, name, chain, endpoint))
	}
	return results
}

func (e *examination) endpoint(ctx context.Context, name string, chain uint64, endpoint string) Result {
	host := config.HostOf(endpoint)
	fail := func(fix, format string, args ...any) Result {
		return Result{name, Fail, host + " " + fmt.Sprintf(format, args...), fix}
	}
	const correct = "correct its URL in LATCHKEY_ETHEREUM_RPC, or the key in it"
	status, body, err := e.ask(ctx, http.MethodPost, endpoint, `{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}`)
	if err != nil {
		return fail("allow Latchkey to connect to it, or name another endpoint in LATCHKEY_ETHEREUM_RPC", "cannot be reached: %v", err)
	}
	if status != http.StatusOK {
		return fail(correct, "answers %d", status)
	}
	var answer struct {
		Result string
		Error  *struct{ Message string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fail(correct, "does not answer in JSON-RPC")
	}
	if answer.Error != nil {
		return fail(correct, "answers with an error: %.200q", answer.Error.Message)
	}
	got, err := strconv.ParseUint(strings.TrimPrefix(answer.Result, "0x"), 16, 64)
	if err != nil || !strings.HasPrefix(answer.Result, "0x") {
		return fail(correct, "answers %.40q, which is not a chain id", answer.Result)
	}
	if got != chain {
		return fail(fmt.Sprintf("name it as %d=... in LATCHKEY_ETHEREUM_RPC, or an endpoint of chain %d here", got, chain), "is on chain %d", got)
	}
	return ok(name, "%s is on it", host)
}
