import type { Catalogue } from '../translate'

export const words: Catalogue['words'] = {
  identity_taken: {
    title: 'Diese Anmeldemethode gehört zu einem anderen Konto',
    text: 'Es wurde nichts geändert. Gehört das Konto Ihnen, melden Sie sich ab und mit dieser Methode wieder an; sonst fügen Sie hier eine andere hinzu.',
  },
  email_taken: {
    title: 'Zu dieser E-Mail-Adresse gibt es schon ein Konto',
    text: 'Melden Sie sich dort mit einer vorhandenen Anmeldemethode an. Danach können Sie diese hinzufügen.',
  },
  email_taken_link: {
    title: 'Die E-Mail-Adresse dieses Kontos gehört hier jemand anderem',
    text: 'Es wurde nichts geändert. Gehört das andere Konto Ihnen, melden Sie sich ab und dort an; sonst fügen Sie ein anderes hinzu.',
  },
  identity_mismatch: { title: 'Diese Anmeldemethode gehört nicht Ihnen', text: 'Verwenden Sie zur Bestätigung eine der Anmeldemethoden auf Ihrer Kontoseite.' },
  reauth_required: {
    title: 'Identität bestätigen',
    text: 'Ihre Anmeldung liegt eine Weile zurück. Bestätigen Sie mit einer Ihrer Anmeldemethoden und versuchen Sie es noch einmal.',
  },
  policy_unsatisfied: { title: 'Das Team verlangt mehr', text: 'Ihre Sitzung erfüllt die Richtlinie des Teams nicht. Fragen Sie einen Eigentümer des Teams.' },
  policy_unsatisfied_allowed_networks: {
    title: 'Das Team lässt sich nur aus seinen eigenen Netzwerken nutzen',
    text: 'Ihre IP-Adresse liegt in keinem davon. Verbinden Sie sich mit einem, etwa über das VPN des Teams, oder fragen Sie einen Eigentümer des Teams.',
  },
  policy_unsatisfied_max_age: { title: 'Das Team verlangt eine neue Anmeldung', text: 'Ihre Anmeldung liegt länger zurück, als die Richtlinie erlaubt. Melden Sie sich neu an.' },
  policy_unsatisfied_idle: {
    title: 'Das Team bittet um eine Bestätigung',
    text: 'Diese Sitzung war länger inaktiv, als die Richtlinie erlaubt. Bestätigen Sie mit einer Ihrer Anmeldemethoden.',
  },
  policy_unsatisfied_any_of: {
    title: 'Das Team verlangt eine von mehreren Anmeldemethoden',
    text: 'Bestätigen Sie sich mit einer davon, oder fügen Sie auf Ihrer Kontoseite eine hinzu:',
  },
  policy_unsatisfied_required_providers: {
    title: 'Das Team verlangt eine weitere Anmeldemethode',
    text: 'Bestätigen Sie mit dem, was fehlt, oder fügen Sie es auf Ihrer Kontoseite hinzu. Es fehlt:',
  },
  policy_unsatisfied_require_fresh_for_admin: {
    title: 'Identität bestätigen',
    text: 'Änderungen an diesem Team erfordern eine aktuelle Bestätigung. Bestätigen Sie mit einer Ihrer Anmeldemethoden und versuchen Sie es noch einmal.',
  },
  policy_unsatisfied_unreadable: {
    title: 'Die Richtlinie des Teams ist nicht lesbar',
    text: 'Sie lässt niemanden zu, bis ein Eigentümer sie neu setzt. Fragen Sie einen Eigentümer des Teams.',
  },
  policy_unsatisfied_policy: { title: 'Sie würden sich selbst aussperren', text: 'Ihre eigene Sitzung erfüllt diese Richtlinie nicht, und nur Eigentümer können sie speichern.' },
  recovery_restricted: {
    title: 'Fügen Sie zuerst eine Anmeldemethode hinzu',
    text: 'Sie haben sich mit einem Wiederherstellungscode angemeldet. Fügen Sie eine Anmeldemethode hinzu, um wieder vollen Zugriff zu erhalten.',
  },
  access_denied: { title: 'Sie haben beim Anbieter abgebrochen', text: 'Es wurde nichts geändert. Versuchen Sie es noch einmal, oder wählen Sie eine andere Anmeldemethode.' },
  invalid_state: {
    title: 'Diese Anmeldung ist nicht mehr gültig',
    text: 'Sie hat zu lange gedauert, wurde schon verwendet oder begann in einem anderen Browser. Fangen Sie hier neu an.',
  },
  invalid_proof: { title: 'Die Antwort ließ sich nicht prüfen', text: 'Es wurde nichts geändert. Fangen Sie hier neu an.' },
  invalid_message: {
    title: 'Die Wallet hat den Text verändert',
    text: 'Er muss genau so signiert werden, wie er angezeigt wird. Versuchen Sie es noch einmal, oder verwenden Sie eine andere Wallet.',
  },
  passkey_exists: { title: 'Dieses Gerät hat schon einen Passkey für Ihr Konto', text: 'Verwenden Sie ihn, oder erstellen Sie einen auf einem anderen Gerät.' },
  passkey_failed: {
    title: 'Der Browser konnte keinen Passkey verwenden',
    text: 'Entsperren Sie Ihr Gerät oder verbinden Sie Ihren Sicherheitsschlüssel, und versuchen Sie es erneut. Oder verwenden Sie eine andere Anmeldemethode.',
  },
  passkey_unknown: {
    title: 'Kein Konto hat hier diesen Passkey',
    text: 'Er wurde aus seinem Konto entfernt. Melden Sie sich anders an, und löschen Sie den Passkey von Ihrem Gerät.',
  },
  proof_used: { title: 'Diese Antwort wurde schon verwendet', text: 'Jede gilt einmal. Fangen Sie hier neu an.' },
  proof_too_old: {
    title: 'Sie wurden nicht erneut nach der Anmeldung gefragt',
    text: 'Der Anbieter hat aus einer bestehenden Sitzung geantwortet; das bestätigt nicht, dass Sie es sind. Melden Sie sich dort ab oder nehmen Sie eine andere Anmeldemethode.',
  },
  ticket_invalid: { title: 'Das hat zu lange gedauert', text: 'Es wurde nichts geändert. Fügen Sie die Anmeldemethode noch einmal hinzu, um beide Konten zu sehen.' },
  merge_changed: {
    title: 'Inzwischen hat sich etwas geändert',
    text: 'Es wurde nichts zusammengeführt. Sehen Sie sich beide Konten an, wie sie jetzt sind, und bestätigen Sie dann noch einmal.',
  },
  sessions_changed: { title: 'Inzwischen hat sich etwas geändert', text: 'Nichts wurde beendet. Sehen Sie die Sitzungen an, wie sie jetzt sind, und bestätigen Sie noch einmal.' },
  merge_moved_on: {
    title: 'Diese Zusammenführung lässt sich so nicht rückgängig machen',
    text: 'Es wurde nichts geändert. Stellen Sie wieder her, was sich seitdem geändert hat, etwa eine Adresse oder eine Rolle in einem Team, oder machen Sie zuerst die spätere Zusammenführung rückgängig; versuchen Sie es dann noch einmal. Eine entfernte Anmeldemethode kehrt nicht zurück: Fügen Sie sie dort neu hinzu, wo Sie sie haben möchten.',
  },
  operator_merge: {
    title: 'Dieses Konto gehört einem Operator',
    text: 'Konten von Operatoren werden auf dem Server zusammengeführt: Bitten Sie die Verwaltung, latchkey merge auszuführen.',
  },
  merge_refused: { title: 'Diese beiden Konten können nicht zusammengeführt werden', text: 'Es wurde nichts geändert.' },
  grant_refused: { title: 'Diese Anmeldemethode kann nicht erlaubt werden', text: 'Es wurde nichts geändert.' },
  no_verified_address: {
    title: 'Diese Adresse ist nicht bestätigt',
    text: 'Fügen Sie sie zuerst per E-Mail hinzu: Sie erhalten einen Code und einen Link, und sie ist bestätigt, sobald Sie eines davon verwenden.',
  },
  provider_unavailable: {
    title: 'Der Anbieter ist gerade nicht erreichbar',
    text: 'Es liegt nicht an Ihnen. Versuchen Sie es in einer Minute noch einmal, oder wählen Sie eine andere Anmeldemethode.',
  },
  provider_failed: { title: 'Der Anbieter hat die Anfrage abgelehnt', text: 'Wählen Sie eine andere Anmeldemethode. Wenn das wieder vorkommt, wenden Sie sich an die Verwaltung.' },
  provider_not_configured: { title: 'Diese Anmeldemethode ist nicht verfügbar', text: 'Wählen Sie eine der hier angezeigten.' },
  sign_up_closed: {
    title: 'Hier können Sie kein Konto anlegen',
    text: 'Konten gibt es nur auf Einladung oder gar nicht. Wenn Sie ein Konto haben, melden Sie sich mit einer Anmeldemethode an, die es schon hat; wenn nicht, bitten Sie um eine Einladung an Ihre E-Mail-Adresse.',
  },
  domain_not_allowed: {
    title: 'Diese E-Mail-Domain ist nicht zugelassen',
    text: 'Konten gibt es hier nur für bestätigte E-Mail-Adressen bestimmter Domains. Melden Sie sich mit einer Anmeldemethode an, die Ihre geschäftliche Adresse hat.',
  },
  denied_by_app: { title: 'Diese Anwendung hat die Anmeldung abgelehnt', text: 'Beginnen Sie noch einmal, oder wählen Sie eine andere Anmeldemethode.' },
  deletion_pending: { title: 'Dieses Konto wird gelöscht', text: 'Stellen Sie es wieder her, um es weiter zu nutzen, oder melden Sie sich ab.' },
  external_id_taken: { title: 'Ein anderer Nutzer hat diese externe ID', text: 'Es wurde nichts geändert.' },
  user_disabled: { title: 'Dieses Konto ist gesperrt', text: 'Bitten Sie die Verwaltung, es wiederherzustellen.' },
  unauthenticated: { title: 'Sie sind nicht mehr angemeldet', text: 'Die Sitzung endete hier oder wurde anderswo beendet. Melden Sie sich wieder an.' },
  forbidden: { title: 'Ihre Rolle erlaubt das nicht', text: 'Fragen Sie jemanden, dem das Team gehört oder der es verwaltet.' },
  origin_not_allowed: {
    title: 'Diese Seite ist unter der falschen Adresse geöffnet',
    text: 'Öffnen Sie den Dienst unter seiner eigenen Adresse und versuchen Sie es noch einmal.',
  },
  operator_required: { title: 'Das sehen nur Operatoren', text: 'Bitten Sie die Verwaltung um Zugriff.' },
  team_session_required: { title: 'Sie sind in diesem Team nicht aktiv', text: 'Starten Sie zuerst eine Teamsitzung und versuchen Sie es dann noch einmal.' },
  not_found: { title: 'Nicht gefunden', text: 'Es wurde entfernt, oder Sie haben keinen Zugriff.' },
  invalid_request: { title: 'Das wurde nicht angenommen', text: 'Prüfen Sie Ihre Eingabe und versuchen Sie es noch einmal.' },
  user_code_unknown: {
    title: 'Dieser Code funktioniert nicht',
    text: 'Er ist falsch, abgelaufen oder wurde schon benutzt. Prüfen Sie ihn oder beginnen Sie auf dem Gerät erneut.',
  },
  client_not_found: { title: 'Diese Anwendung ist nicht registriert', text: 'Sagen Sie es denen, die sie betreiben. Falls Sie das sind: Prüfen Sie die Client-ID.' },
  invalid_redirect_uri: {
    title: 'Diese Anwendung ist falsch eingerichtet',
    text: 'Sie wollte die Antwort an eine Adresse, die nicht für sie registriert ist. Sagen Sie es denen, die sie betreiben.',
  },
  invalid_client_document: {
    title: 'Diese Anwendung ist falsch eingerichtet',
    text: 'Was sie über sich veröffentlicht, ist nicht verwendbar. Sagen Sie es denen, die sie betreiben.',
  },
  invalid_client_metadata: {
    title: 'Diese Anwendung ist falsch eingerichtet',
    text: 'Was sie über sich angibt, ist nicht verwendbar. Sagen Sie es denen, die sie betreiben.',
  },
  client_unavailable: {
    title: 'Diese Anwendung lässt sich gerade nicht prüfen',
    text: 'Sie hat nicht geantwortet. Versuchen Sie es in einer Minute noch einmal oder sagen Sie es denen, die sie betreiben.',
  },
  invalid_return_to: { title: 'Der Link, der Sie hierher brachte, ist falsch', text: 'Gehen Sie zurück zur Anwendung und fangen Sie neu an.' },
  invalid_email: { title: 'Das ist keine E-Mail-Adresse', text: 'Prüfen Sie die Schreibweise.' },
  last_identity: { title: 'Das ist Ihre einzige Anmeldemethode', text: 'Fügen Sie zuerst eine andere hinzu.' },
  last_owner: { title: 'Ein Team braucht einen Eigentümer', text: 'Machen Sie zuerst jemand anderen zum Eigentümer.' },
  already_member: { title: 'Schon Mitglied', text: 'Diese Person ist im Team.' },
  already_invited: { title: 'Schon eingeladen', text: 'Es gibt eine offene Einladung. Ziehen Sie sie zuerst zurück, um sie zu ändern.' },
  invitation_closed: { title: 'Diese Einladung ist nicht mehr offen', text: 'Bitten Sie um eine neue.' },
  key_ended: { title: 'Dieser Schlüssel ist schon beendet', text: 'Erstellen Sie einen neuen, wenn Sie ihn noch brauchen.' },
  provider_taken: { title: 'Ein anderer Schlüssel hat diesen Anbieter', text: 'Erneuern Sie jenen Schlüssel, oder beenden Sie ihn zuerst.' },
  too_many_keys: { title: 'Zu viele API-Schlüssel', text: 'Beenden Sie einen, der nicht mehr verwendet wird, und erstellen Sie dann den neuen.' },
  body_too_large: { title: 'Das ist zu viel auf einmal', text: 'Kürzen Sie Ihre Eingabe und versuchen Sie es noch einmal.' },
  request_timeout: { title: 'Das kam nicht rechtzeitig an', text: 'Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.' },
  unavailable: { title: 'Der Dienst kann das gerade nicht', text: 'Versuchen Sie es in einer Minute noch einmal.' },
  unavailable_name: {
    title: 'Der Name lässt sich gerade nicht nachschlagen',
    text: 'Kein Ethereum-Endpunkt dieses Dienstes antwortet. Versuchen Sie es in einer Minute noch einmal, oder suchen Sie nach der Adresse der Wallet.',
  },
  internal: {
    title: 'Etwas ist schiefgegangen',
    text: 'Es liegt nicht an Ihnen. Versuchen Sie es in einer Minute noch einmal; wenn es wieder vorkommt, wenden Sie sich an die Verwaltung.',
  },
  rate_limited: { title: 'Zu viele Versuche', text: 'Warten Sie ein wenig und versuchen Sie es dann noch einmal.' },
  another_person: {
    title: 'Jetzt ist jemand anderes angemeldet',
    text: 'Es wurde nichts gespeichert: In einem anderen Fenster dieses Browsers hat sich jemand anderes angemeldet. Diese Seite zeigt jetzt dieses Konto.',
  },
  offline: { title: 'Der Dienst ist nicht erreichbar', text: 'Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.' },
  unexpected_answer: { title: 'Etwas ist schiefgegangen', text: 'Der Dienst gab eine unerwartete Antwort. Versuchen Sie es in einer Minute noch einmal.' },
  unknown: { title: 'Das hat nicht funktioniert', text: 'Es wurde nichts geändert. Versuchen Sie es noch einmal, oder wählen Sie eine andere Anmeldemethode.' },
  link_stale: {
    title: 'Dieser Link funktioniert hier nicht',
    text: 'Er wurde schon verwendet, ist abgelaufen oder wurde in einem anderen Browser angefordert. Ist die E-Mail neu, öffnen Sie den Link oder geben Sie den Code in jenem Browser ein; sonst fordern Sie eine neue E-Mail an.',
  },
  code_stale: {
    title: 'Dieser Code funktioniert nicht',
    text: 'Prüfen Sie die sechs Ziffern. Ein Code gilt einmal, für kurze Zeit und für wenige Versuche. Stimmt er, fordern Sie eine neue E-Mail an.',
  },
  recovery_stale: {
    title: 'Dieser Code funktioniert nicht',
    text: 'Prüfen Sie die Schreibweise. Jeder Wiederherstellungscode gilt einmal, und neue Codes machen die alten ungültig.',
  },
}
