import type { Catalogue } from '../translate'

export const words: Catalogue['words'] = {
  identity_taken: {
    title: 'Dieser Zugang gehört zu einem anderen Konto',
    text: 'Es wurde nichts geändert. Ist das Konto Ihres, melden Sie sich ab und mit diesem Zugang wieder an; sonst verknüpfen Sie hier einen anderen.',
  },
  email_taken: {
    title: 'Zu dieser E-Mail-Adresse gibt es schon ein Konto',
    text: 'Melden Sie sich dort mit einer vorhandenen Anmeldeart an. Danach können Sie diese verknüpfen.',
  },
  email_taken_link: {
    title: 'Die E-Mail-Adresse dieses Kontos gehört hier jemand anderem',
    text: 'Es wurde nichts geändert. Ist das andere Konto Ihres, melden Sie sich ab und dort an; sonst verknüpfen Sie ein anderes.',
  },
  identity_mismatch: {
    title: 'Das ist kein Zugang zu diesem Konto',
    text: 'Zur Bestätigung nehmen Sie einen der Zugänge, die auf Ihrer Kontoseite stehen.',
  },
  reauth_required: {
    title: 'Bitte bestätigen Sie, dass Sie es sind',
    text: 'Ihre Anmeldung liegt eine Weile zurück. Bestätigen Sie mit einem Ihrer Zugänge und versuchen Sie es dann noch einmal.',
  },
  policy_unsatisfied: {
    title: 'Das Team verlangt mehr',
    text: 'So, wie Sie angemeldet sind, sind seine Regeln nicht erfüllt. Fragen Sie einen Eigentümer des Teams.',
  },
  policy_unsatisfied_allowed_networks: {
    title: 'Das Team lässt sich nur aus seinen eigenen Netzen nutzen',
    text: 'Die Adresse, von der Sie kommen, liegt in keinem davon. Gehen Sie in eines, etwa über ein VPN des Teams, oder fragen Sie einen Eigentümer des Teams.',
  },
  policy_unsatisfied_max_age: { title: 'Das Team verlangt eine neue Anmeldung', text: 'Ihre Anmeldung liegt länger zurück, als seine Regeln erlauben. Melden Sie sich neu an.' },
  policy_unsatisfied_idle: {
    title: 'Das Team fragt, ob Sie es noch sind',
    text: 'Diese Sitzung blieb länger ungenutzt, als seine Regeln erlauben. Bestätigen Sie mit irgendeinem Zugang, den Sie haben.',
  },
  policy_unsatisfied_required_providers: {
    title: 'Das Team verlangt einen weiteren Zugang',
    text: 'Bestätigen Sie mit dem, was fehlt, oder verknüpfen Sie es auf Ihrer Kontoseite, wenn Sie es noch nicht haben. Es fehlt:',
  },
  policy_unsatisfied_require_fresh_for_admin: {
    title: 'Bitte bestätigen Sie, dass Sie es sind',
    text: 'Änderungen an diesem Team brauchen einen frischen Nachweis. Bestätigen Sie mit irgendeinem Zugang, den Sie haben, und versuchen Sie es dann noch einmal.',
  },
  policy_unsatisfied_unreadable: {
    title: 'Die Regeln des Teams sind nicht lesbar',
    text: 'Sie lassen niemanden ein, bis ein Eigentümer sie neu setzt. Fragen Sie einen Eigentümer des Teams.',
  },
  policy_unsatisfied_policy: { title: 'Sie würden sich selbst aussperren', text: 'Ihre eigene Sitzung erfüllt diese Regeln nicht, und nur Eigentümer können solche speichern.' },
  recovery_restricted: {
    title: 'Fügen Sie zuerst einen Zugang hinzu',
    text: 'Sie sind mit einem Wiederherstellungscode hereingekommen. Verknüpfen Sie einen Zugang, den Sie künftig benutzen können; danach geht alles Übrige wieder.',
  },
  access_denied: { title: 'Sie haben beim Anbieter abgebrochen', text: 'Es wurde nichts geändert. Versuchen Sie es noch einmal oder wählen Sie einen anderen Zugang.' },
  invalid_state: {
    title: 'Diese Anmeldung gilt nicht mehr',
    text: 'Sie hat zu lange gedauert, wurde schon benutzt oder begann in einem anderen Browser. Fangen Sie hier neu an.',
  },
  invalid_proof: { title: 'Die Antwort ließ sich nicht prüfen', text: 'Es wurde nichts geändert. Fangen Sie hier neu an.' },
  invalid_message: {
    title: 'Die Wallet hat den Text verändert',
    text: 'Er muss so unterschrieben werden, wie er gezeigt wurde. Versuchen Sie es noch einmal oder nehmen Sie eine andere Wallet.',
  },
  proof_used: { title: 'Diese Antwort wurde schon benutzt', text: 'Jede gilt einmal. Fangen Sie hier neu an.' },
  proof_too_old: {
    title: 'Sie wurden nicht erneut nach der Anmeldung gefragt',
    text: 'Der Anbieter hat aus einer bestehenden Sitzung geantwortet; das bestätigt nicht, dass Sie es sind. Melden Sie sich dort ab oder nehmen Sie eine andere Anmeldeart.',
  },
  ticket_invalid: {
    title: 'Das hat zu lange gedauert',
    text: 'Es wurde nichts geändert. Verknüpfen Sie den Zugang noch einmal, um beide Konten wieder zu sehen.',
  },
  merge_changed: {
    title: 'Inzwischen hat sich etwas geändert',
    text: 'Es wurde nichts zusammengeführt. Sehen Sie sich beide Konten an, wie sie jetzt sind, und bestätigen Sie dann noch einmal.',
  },
  sessions_changed: {
    title: 'Inzwischen hat sich etwas geändert',
    text: 'Nichts wurde beendet. Sehen Sie die Sitzungen an, wie sie jetzt sind, und bestätigen Sie noch einmal.',
  },
  merge_moved_on: {
    title: 'So lässt sich das nicht zurücknehmen',
    text: 'Jetzt wurde nichts geändert. Stellen Sie wieder her, was sich herstellen lässt, etwa eine Adresse oder eine Rolle in einem Team, oder nehmen Sie zuerst die spätere Zusammenführung zurück; versuchen Sie es dann noch einmal. Ein getrennter Zugang kehrt nicht zurück: Verknüpfen Sie ihn dort neu, wo Sie ihn haben wollen.',
  },
  operator_merge: {
    title: 'Dieses Konto gehört zur Verwaltung',
    text: 'Konten der Verwaltung werden auf dem Server zusammengeführt: bitten Sie die Betreiber, latchkey merge auszuführen.',
  },
  merge_refused: { title: 'Diese beiden Konten können nicht eines werden', text: 'Es wurde nichts geändert.' },
  grant_refused: { title: 'Diese Anmeldeart darf nicht fragen', text: 'Es wurde nichts geändert.' },
  no_verified_address: {
    title: 'Diese Adresse ist nicht als Ihre bestätigt',
    text: 'Fügen Sie sie zuerst per Mail hinzu: Sie bekommen einen Code und einen Link; sobald Sie eines davon benutzt haben, ist sie Ihre.',
  },
  provider_unavailable: {
    title: 'Der Anbieter ist gerade nicht erreichbar',
    text: 'Es liegt nicht an Ihnen. Versuchen Sie es in einer Minute noch einmal oder wählen Sie einen anderen Zugang.',
  },
  provider_failed: {
    title: 'Der Anbieter hat die Anfrage abgelehnt',
    text: 'Wählen Sie einen anderen Zugang. Geschieht das öfter, sagen Sie es dem Betreiber dieses Dienstes.',
  },
  provider_not_configured: { title: 'Diesen Zugang bietet der Dienst nicht an', text: 'Wählen Sie einen von denen, die hier stehen.' },
  sign_up_closed: { title: 'Hier können Sie kein Konto anlegen', text: 'Konten gibt es nur auf Einladung oder gar nicht. Wenn Sie ein Konto haben, melden Sie sich mit einer Anmeldeart an, die es schon hat; wenn nicht, bitten Sie um eine Einladung an Ihre E-Mail-Adresse.' },
  domain_not_allowed: { title: 'Diese E-Mail-Domain ist nicht zugelassen', text: 'Konten gibt es hier nur für bestätigte E-Mail-Adressen bestimmter Domains. Melden Sie sich mit einer Anmeldeart an, die Ihre geschäftliche Adresse hat.' },
  user_disabled: { title: 'Dieses Konto ist gesperrt', text: 'Bitten Sie den Betreiber dieses Dienstes, es wieder freizugeben.' },
  unauthenticated: { title: 'Sie sind nicht mehr angemeldet', text: 'Die Sitzung endete hier oder wurde anderswo beendet. Melden Sie sich wieder an.' },
  forbidden: { title: 'Ihre Rolle erlaubt das nicht', text: 'Fragen Sie jemanden, dem das Team gehört oder der es verwaltet.' },
  origin_not_allowed: {
    title: 'Diese Seite ist unter der falschen Adresse geöffnet',
    text: 'Öffnen Sie den Dienst unter seiner eigenen Adresse und versuchen Sie es noch einmal.',
  },
  operator_required: { title: 'Das sehen nur Betreiber', text: 'Bitten Sie den Betreiber dieses Dienstes, Sie dazu zu machen.' },
  team_session_required: { title: 'Sie sind gerade nicht im Team', text: 'Betreten Sie zuerst das Team und versuchen Sie es dann noch einmal.' },
  not_found: { title: 'Hier ist nichts', text: 'Es wurde entfernt, oder Sie dürfen es nicht sehen.' },
  invalid_request: { title: 'Das wurde nicht angenommen', text: 'Prüfen Sie Ihre Eingabe und versuchen Sie es noch einmal.' },
  invalid_return_to: { title: 'Der Link, der Sie hierher brachte, ist falsch', text: 'Gehen Sie zurück zur Anwendung und fangen Sie neu an.' },
  invalid_email: { title: 'Das ist keine E-Mail-Adresse', text: 'Prüfen Sie die Schreibweise.' },
  last_identity: { title: 'Das ist Ihr einziger Zugang', text: 'Verknüpfen Sie zuerst einen anderen; ohne einen kämen Sie nicht wieder herein.' },
  last_owner: { title: 'Ein Team braucht jemanden, dem es gehört', text: 'Übergeben Sie es zuerst jemand anderem.' },
  already_member: { title: 'Schon Mitglied', text: 'Diese Person ist im Team.' },
  already_invited: { title: 'Schon eingeladen', text: 'Es gibt eine offene Einladung; nehmen Sie sie zuerst zurück, um sie zu ändern.' },
  invitation_closed: { title: 'Diese Einladung ist nicht mehr offen', text: 'Bitten Sie um eine neue.' },
  key_ended: { title: 'Dieser Schlüssel ist schon beendet', text: 'Machen Sie einen neuen, wenn er noch gebraucht wird.' },
  too_many_keys: { title: 'Mehr Schlüssel gehen nicht', text: 'Beenden Sie einen, der nicht mehr benutzt wird, und machen Sie dann den neuen.' },
  body_too_large: { title: 'Das ist zu viel auf einmal', text: 'Kürzen Sie Ihre Eingabe und versuchen Sie es noch einmal.' },
  request_timeout: { title: 'Das kam nicht rechtzeitig an', text: 'Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.' },
  unavailable: { title: 'Der Dienst kann das gerade nicht', text: 'Versuchen Sie es in einer Minute noch einmal.' },
  unavailable_name: {
    title: 'Der Name lässt sich gerade nicht nachschlagen',
    text: 'Kein Ethereum-Endpunkt dieses Dienstes antwortet. Versuchen Sie es in einer Minute noch einmal, oder suchen Sie nach der Adresse der Wallet.',
  },
  internal: { title: 'Etwas ging schief', text: 'Es liegt nicht an Ihnen. Versuchen Sie es in einer Minute noch einmal; geschieht es wieder, sagen Sie es dem Betreiber.' },
  rate_limited: { title: 'Zu viele Versuche', text: 'Warten Sie ein wenig und versuchen Sie es dann noch einmal.' },
  another_person: {
    title: 'Hier ist inzwischen jemand anderes angemeldet',
    text: 'Es wurde nichts gespeichert: In einem anderen Fenster dieses Browsers hat sich jemand anderes angemeldet. Diese Seite zeigt jetzt dessen Konto.',
  },
  offline: { title: 'Der Dienst antwortet nicht', text: 'Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.' },
  unexpected_answer: { title: 'Etwas ging schief', text: 'Der Dienst gab eine unerwartete Antwort. Versuchen Sie es in einer Minute noch einmal.' },
  unknown: { title: 'Das hat nicht geklappt', text: 'Es wurde nichts geändert. Versuchen Sie es noch einmal oder wählen Sie einen anderen Zugang.' },
  link_stale: {
    title: 'Dieser Link geht hier nicht',
    text: 'Er wurde schon benutzt, ist abgelaufen oder wurde in einem anderen Browser angefordert. Ist die Mail neu, öffnen Sie den Link oder tippen Sie den Code in jenem Browser ein; sonst fordern Sie eine neue an.',
  },
  code_stale: {
    title: 'Dieser Code geht nicht',
    text: 'Prüfen Sie die sechs Ziffern. Ein Code gilt einmal, kurze Zeit und für wenige Versuche; stimmt er, fordern Sie eine neue Mail an.',
  },
  recovery_stale: { title: 'Dieser Code geht nicht', text: 'Prüfen Sie die Schreibweise. Jeder Wiederherstellungscode gilt einmal, und neue machen die alten wertlos.' },
}
