<?php

// Calls the API through the client that OpenAPI Generator wrote, and prints what it saw as JSON.

require 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    // Like Composer's: the client asks for classes that there may not be.
    $file = __DIR__ . '/api/lib/' . str_replace(['OpenAPI\\Client\\', '\\'], ['', '/'], $class) . '.php';
    if (is_file($file)) {
        require $file;
    }
});

use OpenAPI\Client\Api\BatchesApi;
use OpenAPI\Client\Api\KeysApi;
use OpenAPI\Client\Api\TrafficApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\CreateKey;
use OpenAPI\Client\Model\DeleteKeys;

[, $url, $token, $name, $idempotencyKey] = $argv;
$configuration = (new Configuration())->setHost($url)->setAccessToken($token);
$keys = new KeysApi(null, $configuration);
$figures = new TrafficApi(null, $configuration);

$key = $keys->createKey($idempotencyKey, null, new CreateKey(['name' => $name]));
[$id, $uuid] = [$key->getKeyId(), $key->getUuid()];

$page = $keys->listKeys(1, $id - 1);
$saw = [
    'id' => $id,
    'name' => $key->getName(),
    'uuid' => $uuid,
    'byId' => $keys->getKey((string) $id)->getUuid(),
    'byUuid' => $keys->getKey($uuid)->getKeyId(),
    'listed' => $page->getKeys()[0]->getKeyId(),
    'total' => $page->getTotal(),
    'link' => $keys->getKeyLink($uuid)->getVlessLink(),
    'links' => count($keys->getKeyLinks((string) $id)->getLinks()),
    'traffic' => $figures->getKeyTraffic($uuid, false)->getTotal(),
    'reset' => $figures->resetKeyTraffic((string) $id)->getPreviousTotal(),
    'deleted' => $keys->deleteKey($uuid)->getMessage(),
];

$batch = (new BatchesApi(null, $configuration))->deleteKeys(new DeleteKeys(['key_ids' => [$id, $uuid]]));
$saw['failed'] = $batch->getFailed();
$saw['item'] = $batch->getResults()[1]->getDetail();
try {
    $keys->getKey((string) $id);
} catch (ApiException $error) {
    $saw['missing'] = $error->getResponseObject()->getDetail();
}
echo json_encode($saw, JSON_THROW_ON_ERROR), "\n";
