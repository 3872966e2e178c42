package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	authorizePath = "/oauth2/authorize"
	tokenPath     = "/oauth2/token" //nolint:gosec // a path
	redirectURI   = "http://127.0.0.1:9/callback"
	// The verifier and the challenge of RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// measureOAuth compares exchanging codes and refreshing with the same statements by
// hand, and userinfo with the session check, and looks at the memory of the service
// under a flood of authorization requests.
func measureOAuth(ctx context.Context, m *machine, t *table) error {
	defer m.stop()
	database, err := m.database(ctx)
	if err != nil {
		return err
	}
	var servers []*child
	for _, binary := range m.binaries {
		// Without the cache, as userinfo reads.
		c, err := m.service(ctx, binary, database, "LATCHKEY_SESSION_CACHE=0")
		if err != nil {
			return err
		}
		servers = append(servers, c)
	}
	app, err := newApplication(ctx, m.binaries[0], database)
	if err != nil {
		return err
	}
	cookies, err := signedIn(servers[0].address)
	if err != nil {
		return err
	}
	bare, err := m.bare(ctx, database)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		what  string
		round func(address string, l load) round
	}{
		{"code exchange", func(address string, l load) round { return app.exchangeRound(address, l, cookies) }},
		{"refresh of an application", func(address string, l load) round { return app.refreshRound(address, l, cookies) }},
	} {
		var sides []*side
		for _, c := range append(servers[:len(servers):len(servers)], bare) {
			l, err := newLoad(c.address, m.connections)
			if err != nil {
				return err
			}
			defer l.close()
			sides = append(sides, &side{child: c, round: kind.round(c.address, l)})
		}
		if err := interleave(ctx, m.options, database, sides...); err != nil {
			return err
		}
		last := len(sides) - 1
		for i, s := range sides[:last] {
			t.compare(kind.what+" against bare Gin + pgx"+label(m, m.binaries[i]), 0.8, s, sides[last])
		}
	}
	if err := app.measureUserinfo(ctx, m, t, database, servers[0], cookies); err != nil {
		return err
	}
	return app.measureRequests(ctx, m, t, servers[0])
}

// round is that of side.
type round = func(ctx context.Context, m *meter, lasting time.Duration) (int, error)

// application is a trusted client of the service.
type application struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

func newApplication(ctx context.Context, binary, database string) (app application, err error) {
	raw, err := commandOf(ctx, binary, database, "client", "create", "--name", "Benchmark", "--redirect-uri", redirectURI, "--trusted", "--json")
	if err != nil {
		return app, err
	}
	return app, json.Unmarshal(raw, &app)
}

func (app application) request(state string) string {
	return authorizePath + "?" + url.Values{
		"client_id": {app.ID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid profile"}, "state": {state},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

// call is a request to the token endpoint.
func (app application) call(address string, form url.Values) []byte {
	form.Set("client_id", app.ID)
	form.Set("client_secret", app.Secret)
	body := form.Encode()
	return []byte("POST " + tokenPath + " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: " + browser +
		"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// code has a browser ask for a code, and returns the request that exchanges it.
func (app application) code(address string, c *client, cookie string) ([]byte, error) {
	a, err := c.do(get(address, app.request("s"), cookie))
	if err := orWant(err, a, 302); err != nil {
		return nil, err
	}
	to, err := url.Parse(a.location)
	if err != nil {
		return nil, err
	}
	code := to.Query().Get("code")
	if code == "" {
		return nil, fmt.Errorf("no code: %s", a.location)
	}
	return app.call(address, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}), nil
}

// tokensOf reads the tokens of an answer.
func tokensOf(a answer) (access, refresh string, err error) {
	var out bareOAuthTokens
	if err := json.Unmarshal(a.body, &out); err != nil {
		return "", "", err
	}
	if out.AccessToken == "" || out.RefreshToken == "" || out.IDToken == "" {
		return "", "", fmt.Errorf("tokens are missing: %s", a.body)
	}
	return out.AccessToken, out.RefreshToken, nil
}

// exchangeRound exchanges as many codes as fit the time. Asking for them is not measured.
func (app application) exchangeRound(address string, l load, cookies []string) round {
	n := 4 * len(l)
	return func(ctx context.Context, m *meter, lasting time.Duration) (int, error) {
		done, requests := n, make([][]byte, n)
		if err := l.spread(n, func(i int, c *client) (err error) {
			requests[i], err = app.code(address, c, cookies[i%len(cookies)])
			return err
		}); err != nil {
			return 0, err
		}
		err := m.during(ctx, func() error {
			return l.spread(n, func(i int, c *client) error {
				a, err := c.do(requests[i])
				return orWant(err, a, 200)
			})
		})
		n = max(len(l), int(float64(n)*lasting.Seconds()/m.wall.Seconds())) // of the next round
		return done, err
	}
}

// signInAll gives each connection the tokens of a sign-in.
func (app application) signInAll(address string, l load, cookies []string) (access, refresh []string, err error) {
	access, refresh = make([]string, len(l)), make([]string, len(l))
	err = l.each(func(i int, c *client) error {
		request, err := app.code(address, c, cookies[i%len(cookies)])
		if err != nil {
			return err
		}
		a, err := c.do(request)
		if err := orWant(err, a, 200); err != nil {
			return err
		}
		access[i], refresh[i], err = tokensOf(a)
		return err
	})
	return access, refresh, err
}

// refreshRound refreshes in as many chains as there are connections, each with what the
// answer before gave.
func (app application) refreshRound(address string, l load, cookies []string) round {
	var chains []string
	return func(ctx context.Context, m *meter, lasting time.Duration) (total int, err error) {
		if chains == nil {
			if _, chains, err = app.signInAll(address, l, cookies); err != nil {
				return 0, err
			}
		}
		counts := make([]int, len(l))
		err = m.during(ctx, func() error {
			end := time.Now().Add(lasting)
			return l.each(func(i int, c *client) error {
				for time.Now().Before(end) {
					a, err := c.do(app.call(address, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {chains[i]}}))
					if err := orWant(err, a, 200); err != nil {
						return err
					}
					_, rest, ok := bytes.Cut(a.body, refreshField)
					next, _, _ := bytes.Cut(rest, []byte(`"`))
					if !ok || string(next) == chains[i] {
						return fmt.Errorf("the refresh token is not another: %s", a.body)
					}
					chains[i] = string(next)
					counts[i]++
				}
				return nil
			})
		})
		for _, n := range counts {
			total += n
		}
		return total, err
	}
}

// measureUserinfo compares userinfo with the session check of the same service, both of
// which read the session.
func (app application) measureUserinfo(ctx context.Context, m *machine, t *table, database string, service *child, cookies []string) error {
	userinfo, err := newLoad(service.address, m.connections)
	if err != nil {
		return err
	}
	defer userinfo.close()
	check, err := newLoad(service.address, m.connections)
	if err != nil {
		return err
	}
	defer check.close()
	sides := []*side{
		{child: service, round: app.userinfoRound(service.address, userinfo, cookies)},
		{child: service, round: sessionRound(service.address, sessionPath, check, cookies)},
	}
	if err := interleave(ctx, m.options, database, sides...); err != nil {
		return err
	}
	t.compare("userinfo against the session check, read", 1, sides[0], sides[1])
	return nil
}

func (app application) userinfoRound(address string, l load, cookies []string) round {
	return func(ctx context.Context, m *meter, lasting time.Duration) (total int, err error) {
		access, _, err := app.signInAll(address, l, cookies) // access tokens are short-lived
		if err != nil {
			return 0, err
		}
		counts := make([]int, len(l))
		err = m.during(ctx, func() error {
			end := time.Now().Add(lasting)
			return l.each(func(i int, c *client) error {
				request := []byte("GET /oauth2/userinfo HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: " + browser + "\r\nAuthorization: Bearer " + access[i] + "\r\n\r\n")
				for time.Now().Before(end) {
					a, err := c.do(request)
					if err := orWant(err, a, 200); err != nil {
						return err
					}
					counts[i]++
				}
				return nil
			})
		})
		for _, n := range counts {
			total += n
		}
		return total, err
	}
}

// measureRequests floods the service with authorization requests that are not gone on
// with: half by people who are signed out, half that are refused.
func (app application) measureRequests(ctx context.Context, m *machine, t *table, service *child) error {
	before, _, err := resident(service.pid())
	if errors.Is(err, errors.ErrUnsupported) {
		t.note("oauth: memory cannot be read here")
		return nil
	}
	if err != nil {
		return err
	}
	l, err := newLoad(service.address, m.connections)
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.spread(m.signIns, func(i int, c *client) error {
		path := app.request(strings.Repeat("s", 100) + strconv.Itoa(i))
		if i%2 == 0 {
			path += "&prompt=none"
		}
		a, err := c.do(get(service.address, path, ""))
		return errors.Join(orWant(err, a, 302), ctx.Err())
	}); err != nil {
		return err
	}
	now, peak, err := resident(service.pid())
	if err != nil {
		return err
	}
	t.atMost(memoryFlat, ratio(now, before), fmt.Sprintf("resident memory after / before %d authorization requests", m.signIns), "%s after %s; %s at its highest", mib(now), mib(before), mib(peak))
	return nil
}
