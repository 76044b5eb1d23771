// Finds the fields of a form that the keys of the contract name: by autocomplete, type, name, label and placeholder,
// in English, German, French and Spanish.
//
// What must always hold: values are never part of an answer; no field is given to two keys.

const acting = noctule.acting;
const { visible, describe, announce } = acting;

const MOST_FIELDS = 400;
const LEAST_SCORE = 30;
const TEXT = /^(text|email|tel|password|search|url|number|month|)$/;
const NOT_FOR_FILLING = /\b(search|suche|recherche|buscar|coupon|promo|gutschein|newsletter|captcha)\b/;

const AUTOCOMPLETE = {
  title: ["honorific-prefix"], first_name: ["given-name"], middle_name: ["additional-name"], last_name: ["family-name"],
  full_name: ["name"], email: ["email"], company: ["organization"], address1: ["address-line1", "street-address"],
  address2: ["address-line2"], address3: ["address-line3"], city: ["address-level2"], state: ["address-level1"],
  postal_code: ["postal-code"], country: ["country", "country-name"], phone: ["tel", "tel-national"], cc_name: ["cc-name"],
  cc_number: ["cc-number"], cc_exp_month: ["cc-exp-month"], cc_exp_year: ["cc-exp-year"], cc_exp: ["cc-exp"],
  cc_cvv: ["cc-csc"], username: ["username"], current_password: ["current-password"], new_password: ["new-password"],
  totp: ["one-time-code"],
};

// What people call the fields, after `words` has made the texts plain. The earlier a key, the narrower its words.
const CALLED = {
  totp: /\b(totp|otp|2fa|mfa|one time (pass)?(code|word)|verification code|security token|authenticat\w* code|two (step|factor) code|einmal(code|passwort|kennwort)|bestatigungscode|code de verification|codigo de verificacion|digit \d+)\b/,
  cc_cvv: /\b(cvv2?|cvc2?|csc|cid|security code|card (code|verification)|prufnummer|prufziffer|sicherheitscode|kartenprufnummer|cryptogramme|code de securite|codigo de seguridad)\b/,
  cc_number: /\b((credit |debit )?card ?(no|num|number|nummer)\b|cc ?(no|num|number)|kartennummer|kreditkartennummer|numero de (la )?(carte|tarjeta)|pan)\b/,
  cc_exp_month: /\b(exp\w* ?(date )?(month|mm|mo)|(card|cc) month|ablaufmonat|gultig bis monat|mois d expiration|mes de (caducidad|vencimiento))\b/,
  cc_exp_year: /\b(exp\w* ?(date )?(year|yy|yyyy|yr)|(card|cc) year|ablaufjahr|gultig bis jahr|annee d expiration|ano de (caducidad|vencimiento))\b/,
  cc_exp: /\b(exp(iry|iration|ires)?( date)?|exp date|valid (until|thru|through)|mm yy(yy)?|gultig bis|ablaufdatum|verfallsdatum|date d expiration|fecha de (caducidad|vencimiento))\b/,
  cc_name: /\b(name on (the )?card|card ?holder( s)?( name)?|cc ?(full ?)?name|card name|karteninhaber(in)?|name auf der karte|titulaire( de la carte)?|nom sur la carte|titular( de la tarjeta)?|nombre en la tarjeta)\b/,
  new_password: /\b(new|choose|create|set|neues|neu|nouveau|nueva|repeat|re ?enter|retype|confirm\w*|again|wiederhol\w*|bestatig\w*|confirmez|confirmer|repetir|repita|confirmar) (a |the |your |das |le |la |mot de |el )*(pass ?word|pass|pwd|passwort|kennwort|passe|contrasena)\b|\b(pass ?word|passwort|kennwort|mot de passe|contrasena) (confirm\w*|repeat|again|wiederhol\w*|bestatig\w*|neu|2)\b/,
  current_password: /\b(pass ?word|passwd|pwd|pass ?phrase|passwort|kennwort|mot de passe|contrasena|clave)\b/,
  email: /\b(e ?mail( address| adresse)?|mail ?adresse|courriel|correo( electronico)?|adresse mail)\b/,
  username: /\b(user ?(name|id)|login( name| id)?|account (name|id)|benutzer ?name|nutzername|anmeldename|identifiant|nom d utilisateur|usuario|nombre de usuario)\b/,
  phone: /\b(phone|telephone|mobile|cell(ular)?|tel|fon|telefon\w*|handy\w*|mobil\w*|rufnummer|portable|telefono|movil)\b/,
  company: /\b(company|organi[sz]ation|business|employer|firma|firmenname|unternehmen|entreprise|societe|empresa|compania)\b/,
  postal_code: /\b(zip|post ?code|postal( code)?|zip ?code|plz|postleitzahl|code postal|codigo postal|cp)\b/,
  country: /\b(country|land|staat|pays|pais)\b/,
  state: /\b(state|province|region|county|bundesland|kanton|departement|provincia|estado|comunidad)\b/,
  city: /\b(city|town|locality|suburb|stadt|ort|wohnort|ville|commune|ciudad|localidad|poblacion)\b/,
  address2: /\b((street )?addr(ess)? ?(line )?2|apartment|apt|suite|unit|floor|building|address ?line ?2|adresszusatz|zusatz|wohnung|etage|stock|complement( d adresse)?|appartement|piso|puerta)\b/,
  address3: /\b((street )?addr(ess)? ?(line )?3|directions|adresszeile 3|instrucciones)\b/,
  address1: /\b((street )?addr(ess)? ?(line )?1|street( address)?|addr(ess)?|strasse|anschrift|adresse|rue|voie|calle|direccion|domicilio)\b/,
  title: /\b(title|salutation|honorific|anrede|titel|civilite|tratamiento)\b/,
  middle_name: /\b(middle ?(name|initial)|additional name|zweiter vorname|deuxieme prenom|segundo nombre)\b/,
  first_name: /\b(first ?name|given ?name|fore ?name|f ?name|first|vorname|prenom|nombre( de pila)?)\b/,
  last_name: /\b(last ?name|family ?name|sur ?name|l ?name|last|nachname|familienname|nom( de famille)?|apellidos?)\b/,
  full_name: /\b(full ?name|your name|contact name|complete name|name|vollstandiger name|vor und nachname|nom complet|nom et prenom|nombre (completo|y apellidos))\b/,
};

const words = (text) =>
  (text ?? "")
    .slice(0, 300)
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/([a-zA-Z])(\d)/g, "$1 $2")
    .toLowerCase()
    .replace(/ß/g, "ss")
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[^a-z0-9]+/g, " ")
    .trim();

// -- what the fields say about themselves ----------------------------------------------------------------

function* fieldsIn(root) {
  for (const element of root.querySelectorAll("*")) {
    if (["input", "select", "textarea"].includes(element.localName)) yield element;
    const shadow = element.shadowRoot ?? noctule.closedRoots?.get(element);
    if (shadow) yield* fieldsIn(shadow);
    if (element.localName === "iframe" && element.contentDocument) yield* fieldsIn(element.contentDocument);
  }
}

function usable(field) {
  if (field.localName === "input" && !TEXT.test(field.type)) return false;
  return !field.disabled && !field.readOnly && visible(field);
}

// What stands before a field that has no label: a cell of its row, or the text just before it.
function textBefore(field) {
  if (field.labels?.length) return "";
  const cell = field.closest("td");
  if (cell?.previousElementSibling) return cell.previousElementSibling.textContent;
  for (let node = field.previousSibling, steps = 0; node && steps < 4; node = node.previousSibling, steps++) {
    if (node.nodeType === 1 && node.matches("input, select, textarea, button")) break;
    const text = node.textContent.trim();
    if (text) return text;
  }
  const before = field.parentElement?.previousElementSibling;
  return before && !before.querySelector("input, select, textarea") && field.parentElement.querySelectorAll("input, select, textarea").length === 1 ? before.textContent : "";
}

function describeField(field) {
  const root = field.getRootNode();
  const ids = (field.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
  const label = [...(field.labels ?? [])].map((one) => one.textContent).concat(ids.map((id) => root.getElementById?.(id)?.textContent ?? "")).join(" ");
  return {
    field,
    autocomplete: (field.getAttribute("autocomplete") ?? "").toLowerCase().trim().split(/\s+/),
    type: field.localName === "input" ? field.type : field.localName,
    hints: [
      [50, words(`${label} ${field.getAttribute("aria-label") ?? ""}`)],
      [46, words(field.name)],
      [45, words(field.id)],
      [40, words(`${field.placeholder ?? ""} ${field.title ?? ""}`)],
      [35, words(textBefore(field))],
    ],
    group: field.form ?? field.closest("form, [role=form], fieldset, dialog, section") ?? field.ownerDocument,
  };
}

const isDigitBox = (field) => field.localName === "input" && field.maxLength === 1;

function score(seen, key) {
  const { type, autocomplete, hints } = seen;
  if (AUTOCOMPLETE[key].some((token) => autocomplete.includes(token))) return 100;
  const isPassword = key.endsWith("_password");
  if (isPassword !== (type === "password") && !(key === "cc_cvv" || key === "totp")) return 0;
  // What asks for a new password must not get the old one.
  if (key === "current_password" && (autocomplete.includes("new-password") || hints.some(([, text]) => CALLED.new_password.test(text)))) return 0;
  if (type === "select" && /password|email|username|totp|cc_number|cc_cvv/.test(key)) return 0;
  // An autocomplete for something else is a no.
  if (Object.values(AUTOCOMPLETE).some((tokens) => tokens.some((token) => autocomplete.includes(token)))) return 0;
  if (key === "email" && type === "email") return 60;
  if (key === "phone" && type === "tel" && !hints.some(([, text]) => CALLED.cc_number.test(text))) return 55;
  if (type === "search" || hints.some(([, text]) => NOT_FOR_FILLING.test(text))) return 0;
  let best = key === "current_password" ? LEAST_SCORE : 0;
  for (const [worth, text] of hints) {
    if (!text || !CALLED[key].test(text)) continue;
    // Narrower words win over wider ones, the whole text over a part of it.
    const rank = Object.keys(CALLED).findIndex((other) => CALLED[other].test(text));
    const isNarrowest = Object.keys(CALLED)[rank] === key;
    const whole = text.replace(CALLED[key], "").trim() === "" ? 8 : 0;
    best = Math.max(best, worth + whole - (isNarrowest ? 0 : 15));
  }
  return best;
}

// -- who gets which --------------------------------------------------------------------------------------

// Boxes of one digit each that stand together.
function digitBoxes(all) {
  const boxes = all.filter((seen) => isDigitBox(seen.field));
  const groups = new Map();
  for (const seen of boxes) groups.set(seen.group, [...(groups.get(seen.group) ?? []), seen]);
  return [...groups.values()].find((group) => group.length >= 4 && group.length <= 10) ?? [];
}

function assign(all, keys) {
  const scored = [];
  for (const seen of all)
    for (const key of keys) {
      const points = score(seen, key);
      if (points >= LEAST_SCORE) scored.push({ seen, key, points });
    }
  const totals = new Map();
  for (const key of keys)
    for (const group of new Set(all.map((seen) => seen.group))) {
      const best = Math.max(0, ...scored.filter((one) => one.key === key && one.seen.group === group).map((one) => one.points));
      totals.set(group, (totals.get(group) ?? 0) + best);
    }
  // The form that answers most is the one that is meant; the others get what is left over.
  scored.sort((a, b) => totals.get(b.seen.group) - totals.get(a.seen.group) || b.points - a.points);
  const found = new Map();
  const taken = new Set();
  for (const { seen, key } of scored) {
    if (found.has(key) || taken.has(seen)) continue;
    found.set(key, [seen]);
    taken.add(seen);
  }
  for (const { seen, key } of scored) {
    if (taken.has(seen) || !found.has(key) || seen.group !== found.get(key)[0].group) continue;
    // A new password is asked for twice, and a number may be asked for in parts.
    const isPart = key === "phone" && [seen, ...found.get(key)].every((one) => one.field.maxLength > 0 && one.field.maxLength <= 5);
    if (key === "new_password" || isPart) {
      found.get(key).push(seen);
      taken.add(seen);
    }
  }
  return found;
}

// Two password fields and no word about which is which: a new one and its repetition.
function passwords(all) {
  const unnamed = all.filter((seen) => seen.type === "password" && score(seen, "new_password") < LEAST_SCORE && !seen.autocomplete.includes("current-password"));
  for (const seen of all.filter((one) => score(one, "new_password") >= LEAST_SCORE))
    for (const other of unnamed)
      if (other.group === seen.group && unnamed.filter((one) => one.group === seen.group).length === 1 && !/current|old|alt|actuel|actual/.test(other.hints.map(([, text]) => text).join(" ")))
        other.autocomplete.push("new-password");
}

acting.matchFields = (keys, first) => {
  const all = [...fieldsIn(document)].filter(usable).slice(0, MOST_FIELDS).map(describeField);
  passwords(all);
  const boxes = keys.includes("totp") ? digitBoxes(all) : [];
  const others = all.filter((seen) => !boxes.includes(seen));
  const found = assign(others, keys);
  if (boxes.length && !(found.has("totp") && found.get("totp")[0].autocomplete.includes("one-time-code"))) found.set("totp", boxes);
  acting.held.length = first;
  const fields = [];
  for (const [key, seens] of found)
    for (const [part, seen] of seens.entries()) {
      acting.held.push(seen.field);
      const { maxLength } = seen.field;
      const hint = `${seen.field.placeholder ?? ""} ${seen.hints[0][1]}`;
      fields.push({
        key, part, parts: seens.length, number: acting.held.length - 1, isSelect: seen.type === "select", isMonth: seen.type === "month",
        limit: maxLength > 0 ? maxLength : 0, wantsLongYear: /y{4}|j{4}|a{4}/i.test(hint) || maxLength === 7, what: describe(seen.field),
      });
    }
  return fields;
};

// -- options of selects ----------------------------------------------------------------------------------

const languages = () => [...new Set([document.documentElement.lang || "en", "en", "de", "fr", "es"])];

function inLanguages(make) {
  return languages().flatMap((language) => {
    try {
      return [make(language)];
    } catch {
      return [];
    }
  });
}

const letters = (low, high) => Array.from({ length: high - low + 1 }, (_, index) => String.fromCharCode(low + index));
const CODES = letters(65, 90).flatMap((one) => letters(65, 90).map((two) => one + two));

function countries(value) {
  const wanted = words(value);
  const names = inLanguages((language) => new Intl.DisplayNames([language], { type: "region", fallback: "none" }));
  const nick = { usa: "US", "united states of america": "US", america: "US", uk: "GB", "great britain": "GB", england: "GB", deutschland: "DE" }[wanted];
  const code = nick ?? (/^[a-zA-Z]{2}$/.test(value) ? value.toUpperCase() : CODES.find((one) => names.some((name) => words(name.of(one)) === wanted)));
  return code ? [code, ...names.map((name) => name.of(code))] : [];
}

function months(value) {
  const number = Number(value);
  const names = inLanguages((language) => (index) => new Intl.DateTimeFormat(language, { month: "long" }).format(new Date(2024, index, 15)));
  const index = number >= 1 && number <= 12 ? number - 1 : [...Array(12).keys()].find((one) => names.some((name) => words(name(one)).slice(0, 3) === words(value).slice(0, 3)));
  if (index === undefined) return [];
  return [String(index + 1), String(index + 1).padStart(2, "0"), ...names.map((name) => name(index)), ...names.map((name) => name(index).slice(0, 3))];
}

const years = (value) => (/^\d{2}$/.test(value) ? [`20${value}`] : /^\d{4}$/.test(value) ? [value.slice(2)] : []);

// Other ways in which a list may call the same.
acting.otherWords = (key, value) => {
  const make = { country: countries, cc_exp_month: months, cc_exp_year: years }[key];
  return [value, ...(make ? make(value).filter(Boolean) : [])];
};

// Choose the option that means one of the words.
acting.chooseHeld = (number, wanted) => {
  const select = acting.held[number];
  const options = [...select.options].filter((option) => !option.disabled);
  for (const word of wanted.map(words)) {
    const option =
      options.find((one) => words(one.label) === word) ??
      options.find((one) => words(one.value) === word) ??
      options.find((one) => word.length > 2 && words(one.label).startsWith(word)) ??
      (Number.isInteger(Number(word)) && word !== "" ? options.find((one) => /^\d+\b/.test(one.label.trim()) && parseInt(one.label, 10) === Number(word)) : undefined);
    if (!option) continue;
    select.focus({ preventScroll: true });
    select.value = option.value;
    option.selected = true;
    announce(select);
    return true;
  }
  return false;
};
